import { createServer } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { SiteCaches } from '../../src/cache/api/site-caches.ts';
import { DurableEntries } from '../../src/cache/durable-entries.ts';
import type { CacheTier } from '../../src/contract/cache.ts';
import { FakeBans } from '../helpers/cached-server.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { listen } from '../helpers/listen.ts';
import { project } from '../helpers/project.ts';
import { untilResult } from '../helpers/until-result.ts';

const WEEK = "'Cache-Control': 'public, max-age=604800'";

/** Serves a modern function of Netlify under `/f`; its code can import the real packages. */
async function serve(
  t: ExecutionContext,
  body: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningEdge> {
  const code = `
    import { caches as proxy, cacheHeaders, fetchWithCache, getCacheStatus } from '@netlify/cache';
    import { purgeCache } from '@netlify/functions';
    const URL_A = 'https://a.example/x?b=1';
    export default async (request, context) => { ${body} };
    export const config = { path: '/f' };`;
  const { root } = await project(t, { 'netlify/functions/f.mjs': code });
  return startEdge(t, { site: root, env: { STORE_FSYNC: '0', ...env } });
}

async function call({ url }: RunningEdge, query = ''): Promise<unknown> {
  return (await fetch(`${url}/f${query}`)).json();
}

/** A look-up that takes longer than 50 ms is a miss, also on a loaded machine. */
function callUntil(edge: RunningEdge, isRight: (result: unknown) => boolean): Promise<unknown> {
  return untilResult(() => call(edge), isRight);
}

test('a response is put, matched with its status, headers and body, and deleted', async (t) => {
  const edge = await serve(
    t,
    `const cache = await caches.open('things');
     const headers = { ${WEEK}, 'X-A': 'b', 'Content-Type': 'text/x', 'Content-Encoding': 'gzip' };
     await cache.put(URL_A, new Response('body', { status: 201, headers }));
     const found = await cache.match(new Request(URL_A + '#hash'));
     const result = found && [found.status, await found.text(), found.headers.get('x-a'), found.headers.get('content-type'),
       found.headers.get('content-encoding'), found.headers.get('cache-status').replace(/ttl=604\\d+/, 'ttl')];
     const others = [await cache.match('https://a.example/x'), await (await caches.open('other')).match(URL_A)];
     const deleted = [await cache.delete(URL_A), await cache.match(URL_A), await cache.delete('https://a.example/none')];
     return Response.json([result, others, deleted, await cache.keys(), await cache.matchAll()]);`,
  );

  const result = await callUntil(edge, (value) => Array.isArray(value) && value[0] !== null && value[0] !== undefined);

  t.deepEqual(result, [
    [201, 'body', 'b', 'text/x', null, '"Netlify Durable"; hit; ttl'],
    [null, null],
    [true, null, true],
    [],
    [],
  ]);
});

test('what no cache may hold is refused with a TypeError, and what has no lifetime only in the log', async (t) => {
  const edge = await serve(
    t,
    `const cache = await caches.open('');
     const thrown = [];
     const ok = { headers: { ${WEEK} } };
     for (const [asked, response] of [
       [URL_A, new Response('', { ...ok, status: 404 })],
       [URL_A, new Response('', { ...ok, status: 206 })],
       [URL_A, new Response('', { headers: { ${WEEK}, Vary: '*' } })],
       [new Request(URL_A, { method: 'POST' }), new Response('', ok)],
       ['data:,x', new Response('', ok)],
       ['no url', new Response('', ok)],
       [URL_A, new Response('')],
       [URL_A, new Response('', { headers: { 'Cache-Control': 'max-age=0, stale-while-revalidate=60' } })],
       [URL_A, new Response('', { headers: { 'Cache-Control': 'private, max-age=60' } })],
       [URL_A, new Response('', { headers: { 'Cache-Control': 'no-cache, max-age=60' } })],
       [URL_A, new Response('', { headers: { ${WEEK}, 'Netlify-Vary': 'nothing' } })],
       [URL_A, new Response('', { headers: { ${WEEK}, 'Set-Cookie': 'a=b' } })],
     ]) thrown.push(await cache.put(asked, response).then(() => '', (error) => error.name));
     return Response.json([thrown, await cache.match(URL_A)]);`,
  );

  t.deepEqual(await call(edge), [[...Array(6).fill('TypeError'), ...Array(6).fill('')], null]);
  const lines = await untilResult(
    async () =>
      (await edge.errorLines()).filter((line) => JSON.stringify(line).includes('was not stored by the Cache API')),
    ({ length }) => length >= 6,
  );
  t.is(lines.length, 6);
});

test('a call has 100 look-ups and 20 writes; further ones find and do nothing', async (t) => {
  const edge = await serve(
    t,
    `const cache = await caches.open('');
     const { searchParams } = new URL(request.url);
     const url = (index) => 'https://a.example/' + searchParams.get('round') + '/' + index;
     if (searchParams.has('write'))
       for (let index = 0; index < 25; index++) await cache.put(url(index), new Response('', { headers: { ${WEEK} } }));
     const found = [];
     for (let index = 0; index < (searchParams.has('many') ? 101 : 25); index++)
       found.push(Boolean(await cache.match(url(searchParams.has('many') ? 3 : index))));
     return Response.json(found);`,
  );
  let round = 0;
  await untilResult(
    async () => {
      await call(edge, `?write&round=${++round}`);
      return (await call(edge, `?round=${round}`)) as boolean[];
    },
    (found) => found.slice(0, 20).every(Boolean),
  );

  t.deepEqual(((await call(edge, `?round=${round}`)) as boolean[]).slice(20), Array(5).fill(false));
  t.false(((await call(edge, `?round=${round}&many`)) as boolean[])[100]);
});

test('outside of a call nothing is found and nothing is stored, and code that only looks for caches works', async (t) => {
  const edge = await serve(
    t,
    `return Response.json(atLoad); } , atLoad = await load(); async function load() {
       const cache = await caches.open('');
       await cache.put('https://a.example/', new Response('', { headers: { ${WEEK} } }));
       return [typeof caches, typeof Cache, cache instanceof Cache, caches instanceof CacheStorage, caches.default instanceof Cache,
         await cache.match('https://a.example/')];`.replace('} , atLoad', '}; const atLoad'),
  );

  t.deepEqual(await call(edge), ['object', 'function', true, true, true, null]);
});

// Alone: sites of one process share its environment, and with it the token for purges.
test.serial('fetchWithCache of @netlify/cache fetches once, and getCacheStatus reads the hit', async (t) => {
  let requests = 0;
  const origin = createServer((_request, response) => response.end(`answer ${++requests}`));
  const url = await listen(t, origin);
  const edge = await serve(
    t,
    `const response = await fetchWithCache(${JSON.stringify(url)} + '/data', { ttl: 600, swr: 600, tags: ['data'] });
     if (new URL(request.url).searchParams.has('purge')) await purgeCache({ tags: ['data'] });
     return Response.json([await response.text(), getCacheStatus(response)?.caches.durable?.hit ?? false]);`,
  );

  const [text] = (await callUntil(edge, (value) => Array.isArray(value) && value[1] === true)) as [string];

  t.regex(text, /^answer \d+$/);
  t.true(Array.isArray(await call(edge, '?purge')));
  t.deepEqual(await call(edge), [`answer ${requests}`, false]);
});

test('a response that is stale for less than its stale-while-revalidate is found with the sign for a renewal', async (t) => {
  const edge = await serve(
    t,
    `const cache = await caches.open('');
     const found = await cache.match(URL_A);
     if (!found) {
       const headers = { Age: '90', 'Cache-Control': 'max-age=60, stale-while-revalidate=600' };
       await cache.put(URL_A, new Response('x', { headers }));
     }
     return Response.json(found ? found.headers.get('cache-status') : null);`,
  );

  const status = await callUntil(edge, (value) => value !== null);

  t.regex(String(status), /^"Netlify Durable"; hit; ttl=-\d+; detail=client-revalidate$/);
});

test('without a store for the Cache API, or with CACHE=off, @netlify/cache works as without a cache', async (t) => {
  const body = `const cache = await proxy.open('x');
     await cache.put(URL_A, new Response('x', { headers: { ${WEEK} } }));
     return Response.json(await cache.match(URL_A) ?? null);`;

  for (const env of [{ CACHE_DISK: '0' }, { CACHE: 'off' }]) t.is(await call(await serve(t, body, env)), null);
});

test('a response that is deleted while a slow store still writes it is not found again', async (t) => {
  const values = new Map<string, Uint8Array>();
  const held: (() => void)[] = [];
  let written = 0;
  const tier: CacheTier = {
    isUsed: true,
    read: async (key) => values.get(key),
    async write(key, value) {
      await new Promise<void>((resolve) => held.push(resolve));
      values.set(key, value);
      written++;
    },
    async delete(keys) {
      return keys.map((key) => values.delete(key)).includes(true);
    },
    lock: async () => true,
    bytes: async () => undefined,
  };
  const bans = new FakeBans();
  const entries = new DurableEntries({ tier, bans, findVersion: async () => 'one', onFailure: t.log });
  const caches = new SiteCaches({ entries, bans, objectBytes: 1000, log: { warn: t.log } });
  const called = { name: 'f.mjs', lookUps: 0, writes: 0, passes: 0, askedAtMs: bans.nowMs() };
  const request = new Request('https://a.example/');
  const response = new Response('body', { headers: { 'Cache-Control': 'max-age=60' } });

  await caches.put(called, 'things', request, response);
  t.is(written, 0);
  const deleted = caches.delete(called, 'things', request);
  // The entry, and what says where it is.
  while (written < 2) {
    held.shift()?.();
    await nextTurn();
  }
  await deleted;

  t.is(await caches.match(called, 'things', request), undefined);
});

test('what a call stores after CDN-Loop was sent to it is found by calls that have passed at least as many servers', async (t) => {
  const edge = await serve(
    t,
    `const cache = await caches.open('pages');
     const found = await cache.match(URL_A);
     if (found) return Response.json(await found.text());
     await cache.put(URL_A, new Response(request.headers.get('cdn-loop') ?? 'none', { headers: { ${WEEK} } }));
     return Response.json('put');`,
  );
  const text = async (loops?: string): Promise<unknown> =>
    (await fetch(`${edge.url}/f`, { headers: loops === undefined ? {} : { 'cdn-loop': loops } })).json();
  const twice = 'nexthop, nexthop';
  /** A look-up that takes longer than 50 ms is a miss, also on a loaded machine. */
  const found = (loops: string | undefined, stored: string): Promise<unknown> =>
    untilResult(
      () => text(loops),
      (result) => result === stored,
    );

  await found(twice, twice);
  t.is(await text('nexthop'), 'put');
  await found('nexthop', 'nexthop');
  await found(twice, 'nexthop');
  t.is(await text(), 'put');
  await found(undefined, 'none');
  await found(twice, 'none');
});
