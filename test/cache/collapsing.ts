import test from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import { callCached } from '../helpers/cached-calls.ts';
import { createCachedPage, serveCached } from '../helpers/cached-server.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { writeText } from '../helpers/write-text.ts';

const FRESH = ['Cache-Control', 'public, max-age=60'];

/** Ten requests at once; `answer` is called when all of them are there. */
async function askTen(
  t: Parameters<typeof serveCached>[0],
  answer: (exchange: Exchange, call: number) => void,
): Promise<{ readonly calls: number; readonly bodies: readonly string[]; readonly statuses: readonly string[] }> {
  const held: (() => void)[] = [];
  let isOpen = false;
  const server = await serveCached(t, (exchange, call) => {
    if (isOpen) answer(exchange, call);
    else held.push(() => answer(exchange, call));
  });
  const replies = Array.from({ length: 10 }, () => server.ask({ path: '/page' }));
  await until(() => server.exchanges.length === 10, 'the requests');
  isOpen = true;
  for (const each of held) each();
  const all = await Promise.all(replies);
  return {
    calls: server.calls.length,
    bodies: [...new Set(all.map(({ body }) => body))],
    statuses: [...new Set(all.map(({ headers }) => headers['cache-status'] ?? ''))].sort(),
  };
}

test('ten requests at once are one call, and nine clients get the stored response', async (t) => {
  const { calls, bodies, statuses } = await askTen(t, (exchange, call) =>
    writeText(exchange, 200, `page ${call}`, FRESH),
  );

  t.is(calls, 1);
  t.deepEqual(bodies, ['page 1']);
  t.deepEqual(statuses, ['nexthop; fwd=uri-miss; stored; ttl=60', 'nexthop; hit; collapsed; ttl=60']);
});

for (const [what, headers] of Object.entries({
  'that sets a cookie': [...FRESH, 'Set-Cookie', 'a=b'],
  'that is private': ['Cache-Control', 'private, max-age=60'],
  'without a lifetime': [],
})) {
  test(`ten requests at once for a page ${what} get ten responses`, async (t) => {
    const { calls, bodies } = await askTen(t, (exchange, call) => writeText(exchange, 200, `page ${call}`, headers));

    t.is(calls, 10);
    t.is(bodies.length, 10);
  });
}

test('ten requests at once for a page that fails get ten responses', async (t) => {
  const { calls } = await askTen(t, (exchange) => exchange.fail(new Fault('function_error')));

  t.is(calls, 10);
});

test('ten requests at once for a page whose body fails get one broken and nine whole responses', async (t) => {
  const server = await serveCached(t, (exchange, call) => {
    if (call > 1) writeText(exchange, 200, 'whole', FRESH);
    else {
      exchange.writeHead(200, 'OK', FRESH);
      exchange.response.write('part');
      setTimeout(() => exchange.fail(new Fault('function_error')), 50);
    }
  });

  const results = await Promise.allSettled(Array.from({ length: 10 }, () => server.ask()));

  t.is(results.filter(({ status }) => status === 'rejected').length, 1);
});

test('requests do not wait for each other while a page cannot be stored', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    if (call === 1) writeText(exchange, 200, 'first', []);
    else held.push(exchange);
  });

  await server.ask();
  const replies = [server.ask(), server.ask()];
  await until(() => held.length === 2, 'the calls');
  for (const exchange of held) writeText(exchange, 200, 'later', []);
  t.deepEqual(
    (await Promise.all(replies)).map(({ body }) => body),
    ['later', 'later'],
  );
});

test('a call whose client has left goes on for a client that waits', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange) => void held.push(exchange));
  const first = await server.connect();
  first.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
  await until(() => held.length === 1, 'the calls');
  const second = server.ask();
  await until(() => server.exchanges.length === 2, 'the requests');

  first.reset();
  await until(() => server.exchanges[0]?.left === true, 'the end of the exchange');
  t.false(held[0]?.left);
  writeText(held[0] as Exchange, 200, 'page', FRESH);

  t.is((await second).body, 'page');
  t.is(server.calls.length, 1);
});

test('a call whose clients have all left is stopped', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange) => void held.push(exchange));
  const peers = [await server.connect(), await server.connect()];
  for (const [at, peer] of peers.entries()) {
    peer.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
    await until(() => server.exchanges.length === at + 1, 'the requests');
  }

  for (const peer of peers) peer.reset();
  await until(() => held[0]?.left === true, 'the end of the exchange');
  t.is(server.calls.length, 1);
  await server.settled();
});

test('requests with another query do not wait', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange) => void held.push(exchange));

  const replies = ['/?a=1', '/?a=2'].map((path) => server.ask({ path }));
  await until(() => held.length === 2, 'the calls');
  for (const exchange of held) writeText(exchange, 200, exchange.target, FRESH);
  t.deepEqual(
    (await Promise.all(replies)).map(({ body }) => body),
    ['/?a=1', '/?a=2'],
  );
});

test('a variant that was not known is fetched for the request that waited for another one', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange, call) => {
    const answer = () => writeText(exchange, 200, exchange.request.get('x-a') ?? '', [...FRESH, 'Vary', 'X-A']);
    if (call > 1) answer();
    else held.push(exchange);
  });

  const replies = ['1', '2', '1'].map((value) => server.ask({ headers: { 'x-a': value } }));
  await until(() => server.exchanges.length === 3, 'the requests');
  writeText(held[0] as Exchange, 200, held[0]?.request.get('x-a') ?? '', [...FRESH, 'Vary', 'X-A']);
  t.deepEqual(
    (await Promise.all(replies)).map(({ body }) => body),
    ['1', '2', '1'],
  );
  t.is(server.calls.length, 2);
});

test('a purge during a call makes its response invalid for later requests', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange) => void held.push(exchange));
  const first = server.ask();
  await until(() => held.length === 1, 'the calls');

  server.pass(10);
  server.ban('news');
  server.pass(10);
  writeText(held[0] as Exchange, 200, 'old', [...FRESH, 'Cache-Tag', 'News']);
  t.is((await first).body, 'old');
  const second = server.ask();
  await until(() => held.length === 2, 'the calls');
  writeText(held[1] as Exchange, 200, 'new', [...FRESH, 'Cache-Tag', 'News']);

  t.is((await second).body, 'new');
  t.is((await server.ask()).body, 'new');
});

test('a request that a call may have sent itself does not wait for that call, and other ones do', async (t) => {
  const held: Exchange[] = [];
  const page = createCachedPage((exchange, call) => {
    if (call === 1) held.push(exchange);
    else writeText(exchange, 200, `page ${call}`, FRESH);
  });
  const first = callCached(page, { path: '/' });
  const [exchange] = held as [Exchange];

  const before = callCached(page, { path: '/', passes: 1 });
  exchange.ownFetches++;
  t.is((await callCached(page, { path: '/', passes: 1 })).body, 'page 2');
  const other = callCached(page, { path: '/' });
  exchange.ownFetches--;
  writeText(exchange, 200, 'page 1', FRESH);

  t.deepEqual(
    (await Promise.all([first, before, other])).map(({ body }) => body),
    ['page 1', 'page 1', 'page 1'],
  );
});

test('cached functions that fetch each other and themselves do not wait for their own responses', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/page.mjs': `
      import { get } from 'node:http';
      export default async (request) => {
        const { pathname, origin } = new URL(request.url);
        const depth = Number(request.headers.get('x-depth'));
        const next = { '/self': '/self', '/http': '/http', '/a': '/b', '/b': '/a' }[pathname];
        const headers = { 'x-depth': depth + 1 };
        const byHttp = (url) => new Promise((resolve, reject) =>
          get(url, { headers }, async (answer) => resolve((await answer.toArray()).join(''))).on('error', reject));
        const byFetch = async (url) => (await fetch(url, { headers })).text();
        const inner = depth < 2 && next ? await (pathname === '/http' ? byHttp : byFetch)(origin + next) : '';
        return new Response(pathname + inner, { headers: { 'cache-control': 'public, max-age=60' } });
      };
      export const config = { path: ['/self', '/http', '/a', '/b', '/warm'] };`,
  });
  const { url } = await startEdge(t, { site });
  const get = async (path: string) => (await fetch(url + path)).text();
  await get('/warm');

  const beganAtMs = performance.now();
  t.deepEqual(
    [await get('/self'), await get('/http'), await get('/a')],
    ['/self/self/self', '/http/http/http', '/a/b/a'],
  );
  // Each wait would take five seconds.
  t.true(performance.now() - beganAtMs < 5000);
});

test('a page that was made for a request with CDN-Loop answers no request that has passed fewer servers', async (t) => {
  const page = createCachedPage((exchange, call) => writeText(exchange, 200, `page ${call}`, FRESH));
  const ask = async (passes: number): Promise<string> => (await callCached(page, { path: '/', passes })).body;

  t.deepEqual([await ask(2), await ask(9)], ['page 1', 'page 1']);
  t.deepEqual([await ask(1), await ask(0)], ['page 2', 'page 3']);
  t.deepEqual([await ask(0), await ask(1), await ask(9)], ['page 3', 'page 3', 'page 3']);
});

test('a client that sends CDN-Loop stores no page without what the page fetches of its own host', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/page.mjs': `
      export default async (request) => {
        const data = await fetch(new URL('/data', request.url));
        return new Response(data.ok ? await data.text() : 'no data', { headers: { 'cache-control': 'public, max-age=60' } });
      };
      export const config = { path: '/page' };`,
    'netlify/functions/data.mjs': `
      export default () => new Response('data');
      export const config = { path: '/data' };`,
  });
  const { url } = await startEdge(t, { site });
  const get = async (headers = {}): Promise<string> => (await fetch(`${url}/page`, { headers })).text();

  t.is(await get({ 'cdn-loop': Array(9).fill('nexthop').join() }), 'no data');
  t.is(await get(), 'data');
  t.is(await get({ 'cdn-loop': Array(9).fill('nexthop').join() }), 'data');
});
