import type { IncomingMessage } from 'node:http';
import test from 'ava';
import {
  answerAsHost,
  compression,
  express,
  type Handle,
  HOSTS,
  jsonParser,
  type LogLine,
  recordLog,
  startHost,
} from '../helpers/host-servers.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const ECHO =
  'export async function onRequest({ request, clientIp }) { return new Response(request.url + " " + clientIp + " " + (await request.text())); }';

test('without next, a request that no route answers gets 404', async (t) => {
  const host = await startHost(t, (handle) => (request, response) => void handle(request, response), {
    site: await siteFolder(t, { 'public/a.txt': 'a' }),
  });

  const answer = await fetch(`${host.url}/b`, { method: 'POST', body: 'x'.repeat(1_000_000) });

  t.is(answer.status, 404);
  t.regex(await answer.text(), /code: not_found/);
  t.is(await (await fetch(`${host.url}/a.txt`)).text(), 'a');
});

test('the middleware can be the request listener of a server', async (t) => {
  const host = await startHost(t, (middleware) => middleware, { site: await siteFolder(t, { 'public/a.txt': 'a' }) });

  t.is(await (await fetch(`${host.url}/a.txt`)).text(), 'a');
  t.is((await fetch(`${host.url}/b`)).status, 404);
});

test('Express does not treat the middleware as an error handler', async (t) => {
  const host = await startHost(t, HOSTS['Express 5'], { site: await siteFolder(t, {}) });

  t.true(host.middleware.length < 4);
});

test('the host gets the headers as received, although functions get checked ones', async (t) => {
  let seen: unknown;
  const host = await startHost(
    t,
    (handle) => (request, response) =>
      void handle(request, response, () => {
        const { url, headers, headersDistinct, rawHeaders } = request;
        seen = { url, forwarded: headers['x-forwarded-for'], distinct: headersDistinct['x-forwarded-for'], rawHeaders };
        response.end();
      }),
    { site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }), trustedProxies: 'none' },
  );
  const fields =
    'Host: a\r\nX-Forwarded-For: 192.0.2.1\r\nx-forwarded-FOR: 192.0.2.2\r\nX-Real-IP: 192.0.2.3\r\nTrue_Client_IP: x\r\nConnection: close';

  await host.exchange(`GET /miss HTTP/1.1\r\n${fields}\r\n\r\n`);
  const shown = await host.exchange(`GET /echo HTTP/1.1\r\n${fields}\r\n\r\n`);

  t.deepEqual(seen, {
    url: '/miss',
    forwarded: '192.0.2.1, 192.0.2.2',
    distinct: ['192.0.2.1', '192.0.2.2'],
    rawHeaders: fields.split(/: |\r\n/),
  });
  t.regex(shown, / 127\.0\.0\.1 $/);
});

test('the host gets the target as received, also in absolute-form', async (t) => {
  let seen: unknown;
  const host = await startHost(
    t,
    (handle) => (request, response) =>
      void handle(request, response, () => {
        seen = [request.url, request.headers.host];
        response.end();
      }),
    { site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }) },
  );

  await host.exchange('GET http://shop.example/miss HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n');
  const shown = await host.exchange(
    'GET http://shop.example/echo HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n',
  );

  t.deepEqual(seen, ['http://shop.example/miss', 'other']);
  t.regex(shown, /http:\/\/shop\.example\/echo /);
});

test('the option trustedProxies can be a function', async (t) => {
  const host = await startHost(t, HOSTS['Express 5'], {
    site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }),
    trustedProxies: (address) => address === '127.0.0.1',
  });

  const answer = await fetch(`${host.url}/echo`, { headers: { 'True-Client-IP': '192.0.2.7' } });

  t.regex(await answer.text(), / 192\.0\.2\.7 $/);
});

test("the host sees rewrites and headers of the site's middleware, and trust headers as received", async (t) => {
  const site = await siteFolder(t, {
    'middleware.js':
      'export function middleware({ next, rewrite, request }) { return request.url.endsWith("/old") ? rewrite("/new") : next({ headers: { "X-Added": "by the site" } }); }',
  });
  const app = express();
  const host = await startHost(
    t,
    (handle) => {
      app.use(handle);
      app.get('/new', (request, response) => {
        t.is((request as IncomingMessage & { originalUrl: string }).originalUrl, '/old');
        return answerAsHost(request, response);
      });
      app.use(({ rawHeaders, headers, headersDistinct }, response) => {
        const { 'x-added': added, 'x-forwarded-for': forwarded } = headersDistinct;
        const raw = rawHeaders.filter((_, index) => /^x-/i.test(rawHeaders[index & ~1] ?? ''));
        response.end(JSON.stringify([headers['x-added'], added, forwarded, raw]));
      });
      return app;
    },
    { site, trustedProxies: 'none' },
  );

  t.regex(await (await fetch(`${host.url}/old`)).text(), /^host GET \/new /);
  const shown = await fetch(`${host.url}/other`, { headers: { 'X-Forwarded-For': '192.0.2.1' } });
  t.deepEqual(await shown.json(), [
    'by the site',
    ['by the site'],
    ['192.0.2.1'],
    ['X-Forwarded-For', '192.0.2.1', 'x-added', 'by the site'],
  ]);
});

test('below a path of the host the site sees the rest of the target, and the host gets the whole target back', async (t) => {
  const host = await startHost(
    t,
    (handle) => {
      const app = express();
      app.use('/shop', handle);
      app.use(answerAsHost);
      return app;
    },
    { site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }) },
  );

  t.regex(await (await fetch(`${host.url}/shop/echo`)).text(), /\/echo 127/);
  t.regex(await (await fetch(`${host.url}/shop/miss?a`)).text(), /^host GET \/shop\/miss\?a /);
});

/** Sets headers as session, CORS and security middlewares in front would. */
const setFields: Handle = (_request, response, next) => {
  response.setHeader('Set-Cookie', 'session=1');
  response.setHeader('Vary', 'Origin');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Content-Type', 'text/host');
  next();
};

test('cookies and Vary of the host are added to those of a function, other headers are replaced', async (t) => {
  const host = await startHost(t, (handle) => appOf(setFields, handle), {
    site: await siteFolder(t, {
      'cloud-functions/f.js':
        'export function onRequest() { return new Response("f", { headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["Vary", "Accept"], ["Content-Type", "text/f"]] }); }',
    }),
  });

  const { headers } = await fetch(`${host.url}/f`);

  t.deepEqual(headers.getSetCookie(), ['session=1', 'a=1', 'b=2']);
  t.is(headers.get('vary'), 'Origin, Accept');
  t.is(headers.get('content-type'), 'text/f');
  t.is(headers.get('x-frame-options'), 'DENY');
});

test('an error response keeps the headers of the host and none of the function', async (t) => {
  const host = await startHost(t, (handle) => appOf(setFields, handle), {
    site: await siteFolder(t, {
      'cloud-functions/app/[[default]].js':
        'export default Object.assign((q, s) => { s.setHeader("X-Function", "1"); s.setHeader("X-Frame-Options", "ALLOW"); throw new Error("x"); }, { handle() {}, use() {}, set() {} });',
    }),
  });

  const answer = await fetch(`${host.url}/app/x`);

  t.is(answer.status, 500);
  t.is(answer.headers.get('x-frame-options'), 'DENY');
  t.is(answer.headers.get('x-function'), null);
  t.regex(answer.headers.get('content-type') ?? '', /^application\/json/);
  t.deepEqual(answer.headers.getSetCookie(), ['session=1']);
});

test('compression in front compresses functions, files and streams of any size, and no listener is leaked', async (t) => {
  const large = 'all of this is compressed '.repeat(200_000);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const host = await startHost(t, (handle) => appOf(compression(), handle), {
    site: await siteFolder(t, {
      'public/large.txt': large,
      'cloud-functions/f.js':
        'export function onRequest() { return new Response("function ".repeat(10), { headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] }); }',
      'cloud-functions/stream.js':
        'export function onRequest() { let left = 500; return new Response(new ReadableStream({ pull(controller) { left-- > 0 ? controller.enqueue(new TextEncoder().encode("piece ".repeat(5000))) : controller.close(); } })); }',
    }),
  });

  const answer = await fetch(`${host.url}/f`);
  t.is(answer.headers.get('content-encoding'), 'gzip');
  t.is(await answer.text(), 'function '.repeat(10));
  t.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
  const file = await fetch(`${host.url}/large.txt`);
  t.is(file.headers.get('content-encoding'), 'gzip');
  t.is(await file.text(), large);
  const stream = await fetch(`${host.url}/stream`);
  t.is((await stream.text()).length, 500 * 5000 * 6);
  t.deepEqual(warnings.map(String), []);
});

test('a body that the host has already read is an error with the remedy, without a wait', async (t) => {
  const logged: LogLine[] = [];
  const host = await startHost(t, (handle) => appOf(jsonParser(), handle), {
    site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }),
    log: recordLog(logged),
  });

  const answer = await fetch(`${host.url}/echo`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"a":1}',
  });

  t.is(answer.status, 500);
  t.regex(String(logged[0]?.message), /mount nexthop before body parsers/);
});

test('a response that is already sent is not changed', async (t) => {
  let passed = false;
  const host = await startHost(
    t,
    (handle) => (request, response) => {
      response.end('first');
      void handle(request, response, () => {
        passed = true;
      });
    },
    { site: await siteFolder(t, { 'cloud-functions/echo.js': ECHO }) },
  );

  t.is(await (await fetch(`${host.url}/echo`)).text(), 'first');
  t.true(passed);
});

test('requests that must not be routed are refused before the host gets them', async (t) => {
  const host = await startHost(t, HOSTS['node:http'], { site: await siteFolder(t, {}) });

  t.regex(
    await host.exchange('GET /a#b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 400 .*bad_path/s,
  );
  t.regex(await host.exchange('TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 405 /);
  t.regex(await host.exchange('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /host OPTIONS \*/);
});

function appOf(...handles: readonly Handle[]): ReturnType<typeof express> {
  const app = express();
  for (const handle of handles) app.use(handle);
  app.use(answerAsHost);
  return app;
}
