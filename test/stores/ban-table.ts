import test, { type ExecutionContext } from 'ava';
import { type CacheStore, MOST_BANS } from '../../src/contract/cache-store.ts';
import { BanTable } from '../../src/stores/ban-table.ts';
import { SharedTier } from '../../src/stores/cache-tier.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import type { PrepareStore } from '../helpers/prepare-store.ts';
import { type RedisServer, startRedis } from '../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../helpers/redis-store.ts';
import { until } from '../helpers/until.ts';
import { untilResult } from '../helpers/until-result.ts';

interface Process {
  readonly bans: BanTable;
  readonly tier: SharedTier;
}

const STORES: Readonly<Record<string, PrepareStore>> = {
  SQLite: embeddedStore,
  Redis: async (t) => {
    const server = await startRedis(t);
    return async () => openStore(t, server.url, { prefix: 'test' }).store;
  },
};

/** As another process would open it. */
function toProcess(t: ExecutionContext, store: CacheStore): Process {
  const bans = new BanTable(store);
  t.teardown(() => bans.close());
  return { bans, tier: new SharedTier(store, bans) };
}

for (const [name, prepare] of Object.entries(STORES)) {
  test.serial(
    `${name}: a ban holds in all processes for what was asked for before it, and not for what comes after`,
    async (t) => {
      const open = await prepare(t);
      const [ours, theirs] = [toProcess(t, (await open()).cache(1e8)), toProcess(t, (await open()).cache(1e8))];
      theirs.bans.watch();
      const askedAtMs = theirs.bans.nowMs();

      await ours.bans.ban(['Tag', ' other ']);

      await until(() => theirs.bans.isBanned(['x', 'tag'], askedAtMs), 'the ban in the other process');
      for (const { bans } of [ours, theirs]) {
        t.true(bans.isBanned(['other'], askedAtMs));
        t.false(bans.isBanned(['x'], askedAtMs));
        await until(() => !bans.isBanned(['tag', 'other'], bans.nowMs()), 'the time after the ban');
      }
    },
  );

  test.serial(`${name}: a ban of everything holds for entries without tags`, async (t) => {
    const open = await prepare(t);
    const [ours, theirs] = [toProcess(t, (await open()).cache(1e8)), toProcess(t, (await open()).cache(1e8))];
    theirs.bans.watch();
    const askedAtMs = theirs.bans.nowMs();

    await ours.bans.ban([]);
    t.false(ours.bans.isBanned(['x'], askedAtMs));
    await ours.bans.ban('everything');

    await until(() => theirs.bans.isBanned([], askedAtMs), 'the ban in the other process');
    t.true(ours.bans.isBanned([], askedAtMs));
  });

  test.serial(`${name}: a process that starts after a ban knows it before it reads the first entry`, async (t) => {
    const open = await prepare(t);
    const ours = toProcess(t, (await open()).cache(1e8));
    const askedAtMs = ours.bans.nowMs();
    await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
    await ours.bans.ban(['tag']);

    const theirs = toProcess(t, (await open()).cache(1e8));
    const found = await theirs.tier.read('key');

    t.is(Buffer.from(found ?? []).toString(), 'old');
    t.true(theirs.bans.isBanned(['tag'], askedAtMs));
    t.false(theirs.bans.isBanned(['tag'], theirs.bans.nowMs() + 1000));
  });

  test.serial(`${name}: a process that got no notice of a ban knows it before it reads an entry`, async (t) => {
    const open = await prepare(t);
    const ours = toProcess(t, (await open()).cache(1e8));
    const store = (await open()).cache(1e8);
    const deaf: CacheStore = {
      mayHaveEntries: () => store.mayHaveEntries(),
      read: (key) => store.read(key),
      write: (key, value, keepMs) => store.write(key, value, keepMs),
      delete: (key) => store.delete(key),
      lock: (key, leaseMs) => store.lock(key, leaseMs),
      ban: (tags, since) => store.ban(tags, since),
      bans: (since) => store.bans(since),
      onBan: () => () => {},
    };
    const theirs = toProcess(t, deaf);
    const askedAtMs = ours.bans.nowMs();
    await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
    t.truthy(await theirs.tier.read('key'));

    await ours.bans.ban(['tag']);
    t.false(theirs.bans.isBanned(['tag'], askedAtMs));
    t.truthy(await theirs.tier.read('key'));

    t.true(theirs.bans.isBanned(['tag'], askedAtMs));
  });
}

test.serial('more bans than a process keeps make its oldest entries invalid, and keep the newest valid', async (t) => {
  const { bans } = toProcess(t, (await (await embeddedStore(t))()).cache(1e8));
  const oldMs = bans.nowMs();
  await bans.ban(['first']);

  for (let part = 0; part < 4; part++) {
    await bans.ban(Array.from({ length: MOST_BANS / 4 + 10 }, (_, index) => `tag ${part} ${index}`));
  }

  t.true(bans.isBanned(['never banned'], oldMs));
  t.true(bans.isBanned(['tag 3 7'], oldMs));
  t.false(bans.isBanned(['never banned'], bans.nowMs()));
});

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

test.serial('an entry is not returned while the bans cannot be read', async (t) => {
  const server = await startRedis(t);
  const ours = await openOnRedis(t, server);
  await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
  const store = openStore(t, server.url, { prefix: 'test' }).store.cache(0);
  const failing: CacheStore = Object.assign(Object.create(store), { bans: () => Promise.reject(new Error('away')) });
  const theirs = toProcess(t, failing);

  await t.throwsAsync(theirs.tier.read('key'), { message: 'away' });
});
