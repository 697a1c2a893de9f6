import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CacheTier } from '../../src/contract/cache.ts';
import type { Exchange } from '../../src/contract/exchange.ts';
import { CALL_TIMEOUT_MS } from '../../src/contract/store.ts';
import { ask, serveCached } from '../helpers/cached-server.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';
import { writeText } from '../helpers/write-text.ts';

/** Each call of the function answers with another text. */
const FUNCTION = `
  export default async (request) => {
    const { searchParams } = new URL(request.url);
    const headers = { 'Netlify-CDN-Cache-Control': 'public, durable, s-maxage=600', 'Netlify-Cache-Tag': 'News' };
    if (searchParams.has('id')) headers['Netlify-Cache-ID'] = 'kept';
    if (searchParams.has('vary')) headers['Netlify-Vary'] = 'cookie=a';
    return new Response(crypto.randomUUID(), { headers });
  };
  export const config = { path: '/page' };`;

const HOST = { host: 'a.example' };
const PURGE = { method: 'POST', headers: { authorization: 'Bearer secret' } };
const ENV = { PURGE_TOKEN: 'secret', STORE_FSYNC: '0' };

async function createSite(t: ExecutionContext): Promise<string> {
  return siteFolder(t, { 'netlify/functions/page.mjs': FUNCTION });
}

interface Page {
  readonly status: number;
  readonly text: string;
  readonly cacheStatus: string;
}

/** All processes are asked for the same host. */
async function get({ port }: RunningEdge, path = '/page', headers: Record<string, string> = {}): Promise<Page> {
  const { status, body, headers: answered } = await ask(port, { path, headers: { ...HOST, ...headers } });
  return { status, text: body, cacheStatus: answered['cache-status'] ?? '' };
}

interface Shared extends Page {
  readonly path: string;
}

/**
 * A page that one process has stored and the other one has found. A look-up that takes longer than 50 ms is a miss, and the first
 * one may, so the test tries again with other pages.
 */
function share([ours, theirs]: readonly RunningEdge[], query = ''): Promise<Shared> {
  let count = 0;
  return untilResult(
    async () => {
      const path = `/page?${query}n=${count++}`;
      const { text } = await get(ours as RunningEdge, path);
      const found = await get(theirs as RunningEdge, path);
      return { ...found, path, isShared: found.text === text };
    },
    ({ isShared }) => isShared,
  );
}

async function startTwo(t: ExecutionContext, site: string): Promise<readonly [RunningEdge, RunningEdge]> {
  return [await startEdge(t, { site, env: ENV }), await startEdge(t, { site, env: ENV })];
}

test('a durable response is found by another process', async (t) => {
  const site = await createSite(t);
  const both = await startTwo(t, site);
  t.is(
    (await get(both[0])).cacheStatus,
    '"Netlify Durable"; fwd=uri-miss; stored=true; ttl=600, "Netlify Edge"; fwd=miss',
  );

  const { cacheStatus, path } = await share(both);

  t.regex(cacheStatus, /^"Netlify Durable"; hit; ttl=\d+, "Netlify Edge"; fwd=miss$/);
  t.is((await get(both[1], path)).cacheStatus, '"Netlify Edge"; hit');
});

test('a purge in one process holds for the durable responses of all', async (t) => {
  const site = await createSite(t);
  const [ours, theirs] = await startTwo(t, site);
  const { path, text } = await share([ours, theirs]);

  const { status } = await fetch(`${ours.url}/.well-known/nexthop/purge`, {
    ...PURGE,
    body: '{"cache_tags":["news"]}',
  });

  t.is(status, 202);
  t.not((await get(ours, path)).text, text);
  await untilResult(
    () => get(theirs, path),
    (page) => page.text !== text,
  );
  const later = await startEdge(t, { site, env: ENV });
  await share([ours, later]);
  t.not((await get(later, path)).text, text);
});

test('variants of a durable response are distinguished by another process', async (t) => {
  const [ours, theirs] = await startTwo(t, await createSite(t));
  await share([ours, theirs]);

  for (let round = 0; round < 3; round++) {
    const path = `/page?vary&round=${round}`;
    const { text } = await get(ours, path, { cookie: 'a=1' });
    t.not((await get(theirs, path, { cookie: 'a=2' })).text, text);
    t.not((await get(theirs, path)).text, text);
  }
  const { path, text } = await share([ours, theirs], 'vary&');
  t.is((await get(theirs, path, { cookie: 'b=1' })).text, text);
});

test('another version of the site finds no durable response, but those with an id of their own', async (t) => {
  const site = await createSite(t);
  const before = await startEdge(t, { site, env: ENV });
  await get(before);
  await writeFile(join(site, 'netlify/functions/page.mjs'), `${FUNCTION}\n// new`);
  const after = await startEdge(t, { site, env: ENV });

  const { cacheStatus } = await share([before, after], 'id&');

  t.regex(cacheStatus, /^"Netlify Durable"; hit/);
  for (let round = 0; round < 3; round++) {
    const path = `/page?round=${round}`;
    t.not((await get(before, path)).text, (await get(after, path)).text);
  }
});

test('containers share durable responses by Redis, and requests are answered while it is slow, away and back', async (t) => {
  const server = await startRedis(t);
  const site = await createSite(t);
  const start = () => {
    const env = { ...ENV, REDIS_URL: server.url, DATA_DIR: join(site, '.nexthop', randomUUID()) };
    return startEdge(t, { site, env, callTimeoutMs: CALL_TIMEOUT_MS });
  };
  const both = [await start(), await start()] as const;
  await share(both);

  server.freeze();
  for (const edge of both) t.is((await get(edge, '/page?frozen')).status, 200);
  server.thaw();
  await server.kill();
  for (const edge of both) t.is((await get(edge, '/page?away')).status, 200);
  await server.restart();

  t.is((await share(both, 'back&')).status, 200);
});

test('a request that changes a page makes its durable response invalid', async (t) => {
  const site = await createSite(t);
  const [ours, theirs] = await startTwo(t, site);
  const { path, text } = await share([ours, theirs]);

  await ask(theirs.port, { method: 'POST', path, headers: HOST });

  t.not((await get(theirs, path)).text, text);
  const later = await startEdge(t, { site, env: ENV });
  await share([ours, later]);
  t.not((await get(later, path)).text, text);
});

function toTier(values: Map<string, Uint8Array>): CacheTier {
  return {
    isUsed: true,
    read: async (key) => values.get(key),
    write: async (key, value) => void values.set(key, value),
    delete: async (keys) => keys.filter((key) => values.delete(key)).length > 0,
    lock: async () => true,
    bytes: async () => undefined,
  };
}

test('while purges of others do not arrive, a durable response comes from the store, or from its function, after 100 ms', async (t) => {
  const values = new Map<string, Uint8Array>();
  const answer = (exchange: Exchange, call: number): void =>
    writeText(exchange, 200, `${call}`, [
      'Cache-Control',
      exchange.target === '/' ? 'durable, max-age=600' : 'max-age=600',
    ]);
  const server = await serveCached(t, answer, { tier: toTier(values) });
  const get = async (path: string) => (await server.ask({ path, headers: HOST })).body;
  t.deepEqual([await get('/'), await get('/memory')], ['1', '2']);
  await until(() => values.size === 2, 'the entry in the store');

  server.setDoubt(true);
  t.is(await get('/'), '1');
  server.pass(101);
  t.is(await get('/'), '1');
  values.clear();
  t.is(await get('/'), '1');
  server.pass(101);
  t.deepEqual([await get('/'), await get('/memory')], ['3', '2']);
  t.is(await get('/'), '3');

  server.pass(101);
  server.setDoubt(false);
  t.is(await get('/'), '3');
});

test('requests that waited for a durable response get it, however long it took while purges of others do not arrive', async (t) => {
  const held: Exchange[] = [];
  const server = await serveCached(t, (exchange) => void held.push(exchange));
  server.setDoubt(true);
  const all = Array.from({ length: 5 }, () => server.ask());
  await until(() => server.exchanges.length === 5, 'the requests');

  server.pass(500);
  writeText(held[0] as Exchange, 200, 'page', ['Cache-Control', 'durable, max-age=600']);

  t.deepEqual(
    (await Promise.all(all)).map(({ body }) => body),
    Array.from({ length: 5 }, () => 'page'),
  );
  t.is(held.length, 1);
});

test('a durable response is as old as it is by the shared clock, and is not used after that was set back', async (t) => {
  const values = new Map<string, Uint8Array>();
  const tier = toTier(values);
  const serve = (name: string) =>
    serveCached(t, (exchange) => writeText(exchange, 200, name, ['Cache-Control', 'durable, max-age=600']), { tier });
  const [ours, theirs, late] = [await serve('ours'), await serve('theirs'), await serve('late')];
  const question = { headers: HOST };
  // The clocks of the two processes differ by an hour.
  ours.setSharedClock(-3_600_000);
  t.is((await ours.ask(question)).body, 'ours');
  await until(() => values.size === 2, 'the entry in the store');

  theirs.setSharedClock(-3_600_000 + 60_000);
  const found = await theirs.ask(question);
  t.deepEqual([found.body, found.headers.age], ['ours', '60']);

  late.setSharedClock(-3_600_000 - 60_000);
  t.is((await late.ask(question)).body, 'late');
});
