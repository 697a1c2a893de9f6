import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { CALL_TIMEOUT_MS } from '../../src/contract/store.ts';
import { ask, type Question } from '../helpers/cached-server.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { SOON_MS } from '../helpers/patience.ts';
import { type RedisServer, startRedis } from '../helpers/redis-server.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** How late each reply of a slow Redis is. */
const SLOW_MS = 200;

const FILES = {
  'netlify/functions/page.mjs': `
    export default async (request) => new Response(crypto.randomUUID(), {
      headers: { 'Netlify-CDN-Cache-Control': 'public, durable, s-maxage=1, stale-while-revalidate=600' },
    });
    export const config = { path: '/page' };`,
  'netlify/functions/tagged.mjs': `
    export default async (request) => new Response(crypto.randomUUID(), {
      headers: {
        'Netlify-CDN-Cache-Control': request.url.endsWith('durable') ? 'durable, max-age=600' : 'max-age=600',
        'Netlify-Cache-Tag': 'news',
      },
    });
    export const config = { path: '/tagged' };`,
  'netlify/functions/api.mjs': `
    export default async (request) => {
      const cache = await caches.open('things');
      const found = await cache.match(request.url);
      if (request.method === 'DELETE') await cache.delete(request.url + '&other');
      else await cache.put(request.url, new Response('kept', { headers: { 'Cache-Control': 'max-age=600' } }));
      return new Response(found ? await found.text() : 'none');
    };
    export const config = { path: '/api' };`,
};

interface Relay {
  readonly port: number;
  delayMs: number;
  /** From now on connections are refused, and those that are open end. */
  cut(): void;
  /** Connections are accepted again. */
  open(): void;
}

/** Forwards bytes to a Redis, and its replies late. */
async function relayTo(t: ExecutionContext, port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (bytes) => redis.write(bytes));
    redis.on('data', (bytes) => setTimeout(() => client.write(bytes), relay.delayMs));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port: ownPort } = server.address() as AddressInfo;
  const relay: Relay = {
    port: ownPort,
    delayMs: 0,
    cut() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    open: () => void server.listen(ownPort, '127.0.0.1'),
  };
  return relay;
}

let count = 0;

/**
 * Every request is answered by the function or from the cache, and a function gets no error. The fastest of several requests of each kind has not waited for Redis; the others
 * may have waited for a processor. Only a removal waits.
 */
async function assertAnswered(t: ExecutionContext, { port }: RunningEdge, state: string): Promise<void> {
  const kinds: Readonly<Record<string, () => Question>> = {
    'a new page': () => ({ path: `/page?${count++}` }),
    'a stored page': () => ({ path: '/page?stored' }),
    'a write': () => ({ path: `/page?${count++}`, method: 'POST' }),
    'a look-up and a put of the Cache API': () => ({ path: `/api?${count++}` }),
  };
  for (const [kind, toQuestion] of Object.entries(kinds)) {
    const tookMs = await untilResult(
      async () => {
        const startedAtMs = performance.now();
        t.is((await ask(port, { headers: { host: 'a.test' }, ...toQuestion() })).status, 200, `${state}: ${kind}`);
        const tookMs = performance.now() - startedAtMs;
        t.true(tookMs < SOON_MS, `${state}: ${kind} took ${tookMs} ms`);
        return tookMs;
      },
      (ms) => ms < SLOW_MS,
    );
    t.true(tookMs < SLOW_MS, `${state}: ${kind} took ${tookMs} ms`);
  }
  const startedAtMs = performance.now();
  t.like(await ask(port, { path: `/api?${count++}`, method: 'DELETE' }), { status: 200, body: 'none' }, state);
  const tookMs = performance.now() - startedAtMs;
  t.true(tookMs < SOON_MS, `${state}: a removal of the Cache API took ${tookMs} ms`);
}

async function assertShared(t: ExecutionContext, [ours, theirs]: readonly [RunningEdge, RunningEdge]): Promise<void> {
  const get = (edge: RunningEdge, path: string) => ask(edge.port, { path, headers: { host: 'a.test' } });
  const isShared = await untilResult(async () => {
    const path = `/page?${count++}`;
    return (await get(ours, path)).body === (await get(theirs, path)).body;
  }, Boolean);
  t.true(isShared);
}

test('while Redis is slow, frozen, away or back, no request fails or waits for it because of the cache', async (t) => {
  const redis: RedisServer = await startRedis(t);
  const relay = await relayTo(t, redis.port);
  const site = await siteFolder(t, FILES);
  const start = (port: number, dataDir: string) => {
    const env = { REDIS_URL: `redis://127.0.0.1:${port}`, DATA_DIR: `${site}/.nexthop/${dataDir}`, STORE_FSYNC: '0' };
    return startEdge(t, { site, env, callTimeoutMs: CALL_TIMEOUT_MS });
  };
  const both = [await start(relay.port, 'ours'), await start(redis.port, 'theirs')] as const;
  await assertShared(t, both);
  await assertAnswered(t, both[0], 'well');

  relay.delayMs = SLOW_MS;
  await assertAnswered(t, both[0], 'slow');
  relay.delayMs = 0;

  redis.freeze();
  await assertAnswered(t, both[0], 'frozen');
  redis.thaw();

  await redis.kill();
  await assertAnswered(t, both[0], 'away');

  await redis.restart();
  await assertAnswered(t, both[0], 'back');
  await assertShared(t, both);
});

test('a container that is cut off from Redis sends no durable response that was purged, and once it is back no other one', async (t) => {
  const redis = await startRedis(t);
  const relay = await relayTo(t, redis.port);
  const site = await siteFolder(t, FILES);
  const start = (port: number, dataDir: string) =>
    startEdge(t, {
      site,
      env: { REDIS_URL: `redis://127.0.0.1:${port}`, DATA_DIR: `${site}/.nexthop/${dataDir}`, PURGE_TOKEN: 'secret' },
      callTimeoutMs: CALL_TIMEOUT_MS,
    });
  const ours = await start(redis.port, 'ours');
  const theirs = await start(relay.port, 'theirs');
  const get = async (path: string): Promise<string> =>
    (await ask(theirs.port, { path, headers: { host: 'a.test' } })).body;
  const isHit = async (path: string): Promise<boolean> => {
    const first = await get(path);
    return (await get(path)) === first;
  };
  const [durable, other] = ['/tagged?durable', '/tagged'];
  await untilResult(async () => (await isHit(durable)) && (await isHit(other)), Boolean);
  const before = { durable: await get(durable), other: await get(other) };

  relay.cut();
  const { status } = await fetch(`${ours.url}/.well-known/nexthop/purge`, {
    method: 'POST',
    headers: { authorization: 'Bearer secret' },
    body: '{"cache_tags":["news"]}',
  });
  t.is(status, 202);
  const isRenewed = (text: string) => text !== before.durable;
  t.true(isRenewed(await untilResult(() => get(durable), isRenewed)));
  for (let count = 0; count < 5; count++) t.true(isRenewed(await get(durable)));
  t.is(await get(other), before.other);

  relay.open();
  t.not(
    await untilResult(
      () => get(other),
      (text) => text !== before.other,
    ),
    before.other,
  );
  for (let count = 0; count < 5; count++) t.not(await get(other), before.other);
  await untilResult(() => isHit(durable), Boolean);
  t.true(isRenewed(await get(durable)));
});
