import test, { type ExecutionContext } from 'ava';
import { type RedisEndpoint, redisUrl } from '../../src/config/redis-url.ts';
import type { CacheStore } from '../../src/contract/cache-store.ts';
import type { Log } from '../../src/contract/log.ts';
import { BanTable } from '../../src/stores/ban-table.ts';
import { SharedTier } from '../../src/stores/cache-tier.ts';
import { RedisCache } from '../../src/stores/redis/cache.ts';
import { Connection } from '../../src/stores/redis/connection.ts';
import { WakeUp } from '../../src/stores/redis/wake-up.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { type RedisServer, startRedis } from '../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../helpers/redis-store.ts';
import { refusingPort } from '../helpers/refusing-port.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

interface Process {
  readonly bans: BanTable;
  readonly tier: SharedTier;
}

/** As another process would open it. */
function toProcess(t: ExecutionContext, store: CacheStore): Process {
  const bans = new BanTable(store);
  t.teardown(() => bans.close());
  return { bans, tier: new SharedTier(store, bans) };
}

async function openOnRedis(t: ExecutionContext, server: RedisServer): Promise<Process> {
  return toProcess(t, openStore(t, server.url, { prefix: 'test', callTimeoutMs: OUTAGE_CALL_MS }).store.cache(0));
}

test.serial('while Redis is away a ban holds in its own process, and rejects', async (t) => {
  const server = await startRedis(t);
  const { bans } = await openOnRedis(t, server);
  const askedAtMs = bans.nowMs();
  await bans.ban(['before']);
  await server.kill();

  await t.throwsAsync(bans.ban(['tag']), { code: 'store_unavailable' });

  t.true(bans.isBanned(['tag'], askedAtMs));
  t.true(bans.isBanned(['before'], askedAtMs));
});

test.serial('a process that was cut off from Redis learns the bans of that time when it is back', async (t) => {
  const server = await startRedis(t);
  const [ours, theirs] = [await openOnRedis(t, server), await openOnRedis(t, server)];
  const askedAtMs = ours.bans.nowMs();
  await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
  t.truthy(await theirs.tier.read('key'));
  await server.kill();
  await t.throwsAsync(theirs.tier.read('key'), { code: 'store_unavailable' });

  // The server comes back empty.
  await server.restart();
  const write = () => ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
  await untilResult(
    () =>
      write()
        .then(() => true)
        .catch(() => false),
    Boolean,
  );
  await ours.bans.ban(['tag']);

  await until(() => theirs.bans.isBanned(['tag'], askedAtMs), 'the ban in the other process');
  t.truthy(await theirs.tier.read('key'));
});

test.serial(
  'while the bans of others cannot arrive, an entry of a process is in doubt after 100 ms, until they are read',
  async (t) => {
    const server = await startRedis(t);
    const { bans } = await openOnRedis(t, server);
    const askedAtMs = bans.nowMs();
    t.false(bans.isInDoubt(askedAtMs));
    bans.watch();
    await until(() => bans.isKnown && !bans.isInDoubt(askedAtMs), 'the bans');

    await server.kill();
    await until(() => bans.isInDoubt(askedAtMs), 'the end of the time that a purge may take');
    t.false(bans.isInDoubt(bans.nowMs()));
    await server.restart();
    await until(() => !bans.isInDoubt(askedAtMs), 'the bans of the server that is back');
  },
);

test.serial('bans are read when calls reach Redis again, also if notices do not', async (t) => {
  const server = await startRedis(t);
  const endpoint = redisUrl(server.url) as RedisEndpoint;
  const unreachable = redisUrl(`redis://127.0.0.1:${await refusingPort(t)}`) as RedisEndpoint;
  const log = { info() {}, warn() {}, error() {} } as unknown as Log; // a store writes no other lines
  const connection = new Connection(endpoint, log, OUTAGE_CALL_MS);
  const wakeUp = new WakeUp({ endpoint: unreachable, channel: 'none', log, delays: 'purges' });
  t.teardown(() => Promise.all([connection.close(), wakeUp.close()]));
  let notices = 0;
  const remove = new RedisCache(connection, '{test}', wakeUp).onBan(() => notices++);
  await until(() => notices === 1, 'the first connection');

  await server.kill();
  await server.restart();
  await until(() => notices === 2, 'the second connection');

  remove();
  t.pass();
});

test.serial('an entry is not returned while the bans cannot be read', async (t) => {
  const server = await startRedis(t);
  const ours = await openOnRedis(t, server);
  await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
  const store = openStore(t, server.url, { prefix: 'test' }).store.cache(0);
  const failing: CacheStore = Object.assign(Object.create(store, { isHearing: { value: true } }), {
    bans: () => Promise.reject(new Error('away')),
  });
  const theirs = toProcess(t, failing);

  await t.throwsAsync(theirs.tier.read('key'), { message: 'away' });
});
