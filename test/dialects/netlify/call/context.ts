import type { Context as PackageContext } from '@netlify/functions';
import test from 'ava';
import { toContext } from '../../../../src/dialects/netlify/call/context.ts';
import type { Invocation } from '../../../../src/dialects/netlify/call/invocation.ts';
import { toPlatform } from '../../../../src/dialects/netlify/call/platform.ts';
import { type FunctionServer, type FunctionSetup, serveFunction } from '../../../helpers/function-server.ts';
import { project } from '../../../helpers/project.ts';

/** Serves a function that responds with the value of the expression over request and context, as JSON. */
function asJson(
  t: Parameters<typeof serveFunction>[0],
  expression: string,
  setup?: FunctionSetup,
): Promise<FunctionServer> {
  return serveFunction(t, `export default async (request, context) => Response.json(${expression});`, setup);
}

async function getJson(
  server: FunctionServer,
  fields: Readonly<Record<string, string>> = {},
  path = '/',
): Promise<unknown> {
  const lines = Object.entries({ Host: 'a.example', Connection: 'close', ...fields }).map((pair) => pair.join(': '));
  const answer = await server.exchange(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
}

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const KEYS =
  'account cookies deploy flags path geo ip json log next params requestId rewrite server site url waitUntil';

test('the keys of the context are those of the platform, in its order', async (t) => {
  const server = await asJson(t, '[Object.keys(context), Object.keys({ ...context })]');

  t.deepEqual(await getJson(server), [KEYS.split(' '), KEYS.split(' ')]);
});

test('the context has the type of @netlify/functions', async (t) => {
  const platform = toPlatform(await project(t, {}));
  const { context } = toContext(
    { rawHeaders: [], trustedHeaders: [], params: {}, url: 'http://a/' } as unknown as Invocation,
    platform,
  ); // nothing else is looked at

  // A cookie may be undefined, which the package's type of get() hides.
  const typed: Omit<PackageContext, 'cookies'> & { cookies: Omit<PackageContext['cookies'], 'get'> } = context;

  t.is(typed.account.id, '');
});

test('the context of a plain request has all keys with empty values', async (t) => {
  const server = await asJson(t, 'context', { trusted: false });

  t.deepEqual(await getJson(server, { 'X-NF-Account-Id': 'forged', 'x-nf-geo': toBase64({ city: 'Forged' }) }), {
    account: { id: '' },
    cookies: {},
    deploy: { context: '', id: '', published: false },
    flags: {},
    geo: {},
    ip: '127.0.0.1',
    params: {},
    requestId: server.exchanges[0]?.platformId?.value,
    server: {},
    site: {},
    url: 'http://a.example/',
  });
});

test('address, location and deploy come from headers of a trusted peer', async (t) => {
  const server = await asJson(t, 'context', { route: '/x/:id', params: { id: 'a%20b' } });

  const answer = await getJson(
    server,
    {
      'x-nf-account-id': 'account',
      'x-nf-branch': 'main',
      'X-NF-Deploy-Context': 'production',
      'x-nf-deploy-id': 'deploy',
      'x-nf-deploy-published': '1',
      'x-nf-client-connection-ip': '203.0.113.7',
      'x-nf-request-id': ID,
      'x-nf-geo': toBase64({
        city: 'Porto',
        country: { code: 'PT', name: 'Portugal' },
        postal_code: '4000',
        latitude: 41.1,
      }),
    },
    '/x/a%20b?c=%20d',
  );

  t.deepEqual(answer, {
    account: { id: 'account' },
    cookies: {},
    deploy: { branch: 'main', context: 'production', id: 'deploy', published: true },
    flags: {},
    path: '/x/:id',
    geo: { city: 'Porto', country: { code: 'PT', name: 'Portugal' }, postalCode: '4000', latitude: 41.1 },
    ip: '203.0.113.7',
    params: { id: 'a%20b' },
    requestId: ID,
    server: {},
    site: {},
    url: 'http://a.example/x/a%20b?c=%20d',
  });
});

test('server and site come from REGION and the variables of the platform', async (t) => {
  const env = { SITE_ID: 'id', SITE_NAME: 'name', URL: 'https://site.example', AWS_REGION: 'us-east-2' };
  const site = { id: 'id', name: 'name', url: 'https://site.example' };

  const aws = await asJson(t, '[context.server, context.site]', { project: { env } });
  const own = await asJson(t, '[context.server, context.site]', { project: { env, region: 'fra' } });

  t.deepEqual(await getJson(aws), [{ region: 'us-east-2' }, site]);
  t.deepEqual(await getJson(own), [{ region: 'fra' }, site]);
});

test('in development the deploy and the region are dev', async (t) => {
  const server = await asJson(t, '[context.server, context.deploy]', { project: { dev: true } });

  t.deepEqual(await getJson(server), [{ region: 'dev' }, { context: 'dev', id: '0', published: false }]);
});

test('every property is plain: it can be replaced, spread and wrapped', async (t) => {
  const server = await asJson(
    t,
    `(() => {
      const { values, writable } = Object.values(Object.getOwnPropertyDescriptors(context)).reduce(
        (sum, { value, writable }) => ({ values: sum.values + (value !== undefined), writable: sum.writable + writable }),
        { values: 0, writable: 0 },
      );
      const spread = { ...context };
      return [values, writable, spread.cookies === context.cookies, new Proxy(context, {}).url === context.url];
    })()`,
    { route: '/x' },
  );

  t.deepEqual(await getJson(server), [17, 17, true, true]);
});

test('url is a URL, and log, json and next work as on the platform', async (t) => {
  const server = await asJson(
    t,
    `await (async () => {
      const words = [];
      const { log } = console;
      console.log = (...given) => words.push(given);
      context.log('a', 1);
      console.log = log;
      const { json, next } = context;
      let message;
      try { next(); } catch (error) { message = error.message; }
      return [context.url instanceof URL, words, await json({ a: 1 }).json(), json(1) instanceof Response, message];
    })()`,
  );

  const message = '`context.next` is not implemented for serverless functions';
  t.deepEqual(await getJson(server), [true, [['a', 1]], { a: 1 }, true, message]);
});

test('rewrite fetches a URL, which may be relative to the request', async (t) => {
  const server = await serveFunction(
    t,
    `export default (request, context) =>
      context.url.pathname === '/there' ? new Response('there ' + context.url.search) : context.rewrite('there?b');`,
  );

  const answer = await fetch(`${server.url}/here?a`);

  t.is(await answer.text(), 'there ?b');
});

test('each call has its own copy of the params', async (t) => {
  const params = Object.freeze({ id: 'a%2Fb', '0': '' });
  const server = await asJson(t, `(context.params.more = '1', context.params)`, { params });

  t.deepEqual(await getJson(server), { id: 'a%2Fb', '0': '', more: '1' });
  t.deepEqual(params, { id: 'a%2Fb', '0': '' });
});

test('waitUntil requires its argument and returns undefined', async (t) => {
  const server = await asJson(
    t,
    `(() => {
      const { waitUntil } = context;
      try { waitUntil(); } catch (error) { return [String(error), waitUntil(Promise.resolve()) === undefined]; }
    })()`,
  );

  t.deepEqual(await getJson(server), ['TypeError: waitUntil: At least 1 argument required, but only 0 passed', true]);
});

test('work given to waitUntil keeps its context and is awaited, also work that it registers later', async (t) => {
  const server = await serveFunction(
    t,
    `import { getContext } from '@netlify/functions';
     export default (request, { waitUntil }) => {
       waitUntil((async () => {
         await new Promise((resolve) => { globalThis.releaseFirst = resolve; });
         const later = new Promise((resolve) => { globalThis.releaseSecond = resolve; });
         waitUntil(later.then(() => { globalThis.lateId = getContext().requestId; }));
       })());
       waitUntil(Promise.reject(new Error('mine')));
       return new Response('x');
     };`,
  );
  // Set by the function.
  const set = globalThis as unknown as { releaseFirst(): void; releaseSecond(): void; lateId: string };

  const answer = await fetch(server.url);
  const pendingWork = server.exchanges[0]?.pendingWork;
  const settled = pendingWork?.settled().then(() => 'settled');

  t.is(await answer.text(), 'x');
  t.true((pendingWork?.size ?? 0) > 0);
  set.releaseFirst();
  t.is(await Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'pending'))]), 'pending');
  set.releaseSecond();
  t.is(await settled, 'settled');
  t.is(set.lateId, answer.headers.get('x-nf-request-id') ?? '');
});

function toBase64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
