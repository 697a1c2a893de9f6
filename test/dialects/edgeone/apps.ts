import test, { type ExecutionContext } from 'ava';
import type { Outcome } from '../../../src/contract/target.ts';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { type DialectServer, serveDialect } from '../../helpers/dialect-server.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';

/** Serves a file with an Express app that runs these statements. */
function express(t: ExecutionContext, file: string, statements: string): Promise<DialectServer> {
  const text = `import express from 'express'; const app = express(); ${statements}; export default app;`;
  return serveDialect(t, edgeone, { [`cloud-functions/${file}`]: text });
}

const ECHO = 'app.use((request, response) => response.json([request.url, request.originalUrl, request.baseUrl]))';

const URLS: readonly (readonly [string, string, string])[] = [
  ['express/[[default]].js', '/express/users/7?y=2', '/users/7?y=2'],
  ['express/[[default]].js', '/express', '/'],
  ['express/[[default]].js', '/express/', '/'],
  ['express/[[default]].js', '/express?x=1', '/?x=1'],
  ['express/[[default]].js', '/express/a//b/', '/a/b'],
  ['express/[[default]].js', '/express/a%20b', '/a%20b'],
  ['express/[[default]].js', '/express//users/7', '/users/7'],
  ['express/[[default]].js', '/express//', '/'],
  ['express/[[default]].js', '/express/users/a%2Fb', '/users/a%2Fb'],
  ['[[default]].js', '/', '/'],
  ['[[default]].js', '//users//7', '/users/7'],
  ['[[default]].js', '/api/users', '/api/users'],
  ['t/[id]/[[default]].js', '/t/9/a/b', '/9/a/b'],
  ['x/[[...path]].js', '/x/a', '/a'],
  ['t/[id]/[[default]].js', '/t/9', '/'],
  ['t/[id]/app/[[default]].js', '/t/9/app/z', '/z'],
];

for (const [file, requested, received] of URLS) {
  test(`the app in ${file} gets ${requested} as ${received}`, async (t) => {
    const { url } = await express(t, file, ECHO);

    t.deepEqual(await (await fetch(url + requested)).json(), [received, received, '']);
  });
}

test('an app decodes an encoded slash in its own parameter, and gets no path outside of its folder', async (t) => {
  const { url, exchange } = await express(
    t,
    'express/[[default]].js',
    "app.get('/users/:id', ({ params }, response) => response.json(params.id))",
  );

  t.is(await (await fetch(`${url}/express/users/a%2Fb`)).json(), 'a/b');
  for (const path of ['/express%2Fusers/7', '/express/../express/users/7', '//express/users/7']) {
    t.regex(await exchange(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 421 /);
  }
});

test('an app gets the context of the platform as request.context', async (t) => {
  const { url } = await express(
    t,
    'x/[id]/[[default]].js',
    'app.use((request, response) => response.json([request.context, request.headers["eo-connecting-geo"] ?? null, request.headers["x-scf-region"] ?? null]))',
  );

  const plain = await (await fetch(`${url}/x/7/a/b`)).json();
  const located = await fetch(`${url}/x/7/a`, { headers: { 'eo-connecting-geo': 'asn=1', 'x-scf-region': 'r' } });

  const context = {
    env: {},
    uuid: 'id-of-this',
    server: { region: '', requestId: 'id-of-this' },
    clientIp: '127.0.0.1',
  };
  t.deepEqual(plain, [{ ...context, params: { id: '7', default: ['a', 'b'] }, geo: {} }, null, null]);
  t.like(await located.json(), { 0: { server: { region: 'r' }, geo: { asn: '1' } }, 1: { asn: '1' }, 2: null });
});

test('an app sends its own 404 and error pages, and parses bodies itself', async (t) => {
  const { url } = await express(
    t,
    'x/[[default]].js',
    `app.post('/json', express.json(), (request, response) => response.json(request.body));
     app.get('/fail', () => { throw new Error('mine') });
     app.use('/own', (request, response) => response.status(500).send('own page'))`,
  );

  const missing = await fetch(`${url}/x/none`);
  const posted = await fetch(`${url}/x/json`, {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
  });
  const own = await fetch(`${url}/x/own`);

  t.is(missing.status, 404);
  t.regex(await missing.text(), /Cannot GET \/none/);
  t.deepEqual(await posted.json(), { a: 1 });
  t.is(await own.text(), 'own page');
  t.is((await fetch(`${url}/x/fail`)).status, 500);
});

test('an app may stream, and each of its cookies is sent', async (t) => {
  const { url } = await express(
    t,
    '[[all]].js',
    `app.get('/sse', (request, response) => {
       response.cookie('a', '1').cookie('b', '2').type('text/event-stream');
       response.write('data: 1\\n\\n'); setImmediate(() => response.end('data: 2\\n\\n'));
     })`,
  );

  const response = await fetch(`${url}/sse`);

  t.is(response.headers.getSetCookie().length, 2);
  t.is(await response.text(), 'data: 1\n\ndata: 2\n\n');
});

test('a handler file takes precedence over an app in its bare folder, and the app answers methods without a handler', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'cloud-functions/idx/index.js': "export const onRequestGet = () => 'index';",
    'cloud-functions/idx/[[all]].js':
      "import express from 'express'; export const app = express(); app.use((request, response) => response.json('app'));",
  });

  t.is(await (await fetch(`${url}/idx`)).json(), 'index');
  t.is(await (await fetch(`${url}/idx`, { method: 'POST' })).json(), 'app');
  t.is(await (await fetch(`${url}/idx/foo`)).json(), 'app');
});

test('a Koa app is recognised by its callback and its list of middleware', async (t) => {
  const text = `export default { middleware: [], callback() {
    return async (request, response) => { response.end(request.url); };
  } };`;
  const { url } = await serveDialect(t, edgeone, { 'cloud-functions/koa/[[all]].js': text });

  t.is(await (await fetch(`${url}/koa/a/b`)).text(), '/a/b');
});

test('an app with fetch, such as Hono, gets a Request with the URL below its folder, and its bytes and cookies are sent unchanged', async (t) => {
  const text = `export default { async fetch(request, env) {
    const headers = new Headers({ 'X-Seen': new URL(request.url).pathname, 'X-Key': env.KEY, 'X-Header': request.headers.get('x-mine') });
    headers.append('Set-Cookie', 'a=1');
    headers.append('Set-Cookie', 'b=2');
    return new Response(request.body ? await request.bytes() : new Uint8Array([0, 255]), { headers });
  } };`;
  const { url } = await serveDialect(t, edgeone, { 'cloud-functions/hono/[[all]].js': text }, { env: { KEY: 'k' } });

  const got = await fetch(`${url}/hono/a`, { headers: { 'x-mine': 'm' } });
  const posted = await fetch(`${url}/hono`, {
    method: 'POST',
    body: new Uint8Array([1, 128]),
    headers: { 'x-mine': 'm' },
  });

  t.deepEqual([got.headers.get('x-seen'), got.headers.get('x-key'), got.headers.get('x-header')], ['/a', 'k', 'm']);
  t.deepEqual(got.headers.getSetCookie(), ['a=1', 'b=2']);
  t.deepEqual([...(await got.bytes())], [0, 255]);
  t.deepEqual([...(await posted.bytes())], [1, 128]);
});

test('an app that throws or rejects is a function_error', async (t) => {
  const app = (body: string): string => `export default Object.assign(${body}, { use() {}, handle() {} });`;
  const { url, faults } = await serveDialect(t, edgeone, {
    'cloud-functions/a/[[x]].js': app("() => { throw new Error('mine') }"),
    'cloud-functions/b/[[x]].js': app("async () => { throw new Error('mine') }"),
    'cloud-functions/c/[[x]].js': "export default { fetch: () => 'no response' };",
  });

  const statuses = await Promise.all(['/a', '/b', '/c'].map(async (path) => (await fetch(url + path)).status));

  t.deepEqual(statuses, [500, 500, 500]);
  t.deepEqual(faults.map(({ code }) => code).sort(), ['function_bad_answer', 'function_error', 'function_error']);
});

test('the call of an app ends when its client leaves', async (t) => {
  const { reading } = await express(t, '[[all]].js', "app.use((request, response) => response.write('a'))");
  const returned = Promise.withResolvers<Outcome | undefined>();
  const server = await serveExchanges(t, async (exchange) => {
    returned.resolve(await reading.routes[0]?.target.answer(exchange, {}));
  });
  const peer = await server.connect();
  peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await peer.readHead();

  peer.reset();

  t.is(await returned.promise, 'answered');
  t.deepEqual(server.faults, []);
});
