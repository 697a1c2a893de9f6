import { setImmediate as nextTurn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type BanNews, type BanPage, type CacheStore, MOST_BANS } from '../../src/contract/cache-store.ts';
import { BanTable } from '../../src/stores/ban-table.ts';
import { SharedTier } from '../../src/stores/cache-tier.ts';
import { embeddedStore } from '../helpers/embedded-store.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import type { PrepareStore } from '../helpers/prepare-store.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { openStore } from '../helpers/redis-store.ts';
import { until } from '../helpers/until.ts';

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

  test.serial(`${name}: all of three hundred purges at once hold in the other process`, async (t) => {
    const open = await prepare(t);
    const [ours, theirs] = [toProcess(t, (await open()).cache(1e8)), toProcess(t, (await open()).cache(1e8))];
    theirs.bans.watch();
    const askedAtMs = theirs.bans.nowMs();
    const tags = Array.from({ length: 300 }, (_, at) => `tag-${at}`);

    await Promise.all(tags.map((tag) => ours.bans.ban([tag])));

    await until(() => tags.every((tag) => theirs.bans.isBanned([tag], askedAtMs)), 'the bans in the other process');
    t.false(theirs.bans.isBanned(['tag-300'], askedAtMs));
  });

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
    await ours.bans.know();
    const askedAtMs = ours.bans.toSharedMs(ours.bans.nowMs()) as number; // its clock is not set
    await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
    await ours.bans.ban(['tag']);

    const theirs = toProcess(t, (await open()).cache(1e8));
    const found = await theirs.tier.read('key');

    t.is(Buffer.from(found ?? []).toString(), 'old');
    t.true(theirs.bans.isBannedInStore(['tag'], askedAtMs));
    t.false(theirs.bans.isBannedInStore(['tag'], askedAtMs + PATIENCE_MS));
  });

  test.serial(`${name}: a process that got no notice of a ban knows it before it reads an entry`, async (t) => {
    const open = await prepare(t);
    const ours = toProcess(t, (await open()).cache(1e8));
    const store = (await open()).cache(1e8);
    const deaf: CacheStore = {
      mayHaveEntries: () => store.mayHaveEntries(),
      read: (key) => store.read(key),
      write: (key, value, keepMs) => store.write(key, value, keepMs),
      delete: (keys) => store.delete(keys),
      lock: (key, leaseMs) => store.lock(key, leaseMs),
      ban: (tags, since) => store.ban(tags, since),
      bans: (since) => store.bans(since),
      bytes: () => store.bytes(),
      isHearing: true,
      onBan: () => () => {},
    };
    const theirs = toProcess(t, deaf);
    await ours.bans.know();
    const askedAtMs = ours.bans.toSharedMs(ours.bans.nowMs()) as number; // its clock is not set
    await ours.tier.write('key', Buffer.from('old'), PATIENCE_MS);
    t.truthy(await theirs.tier.read('key'));

    await ours.bans.ban(['tag']);
    t.false(theirs.bans.isBannedInStore(['tag'], askedAtMs));
    t.truthy(await theirs.tier.read('key'));

    t.true(theirs.bans.isBannedInStore(['tag'], askedAtMs));
    t.true(theirs.bans.isBanned(['tag'], theirs.bans.nowMs() - PATIENCE_MS));
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

/** A store whose clock the test sets, and with the bans that the test adds. */
function toClockedStore(t: ExecutionContext) {
  let setMs = 0;
  let version = 0;
  let notify = (_news?: BanNews): void => {};
  const all: [tag: string, atMs: number][] = [];
  const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
  const aheadMs = Date.now() - monotonicMs();
  const page = (since: number): BanPage => {
    const bans = all.filter(([, atMs]) => atMs > since);
    return { version, bans, aheadMs: aheadMs + setMs, hasEntries: true };
  };
  const { bans } = toProcess(t, {
    async ban(tags: readonly string[], since: number) {
      add(tags);
      return page(since);
    },
    bans: async (since: number) => page(since),
    isHearing: true,
    onBan: (listener: typeof notify) => {
      notify = listener;
      return () => {};
    },
  } as unknown as CacheStore); // a table of bans calls nothing else

  /** As Redis does: the time of a ban is later than that of all before it. */
  function add(tags: readonly string[]): void {
    version = Math.max(monotonicMs() + aheadMs + setMs, version + 1);
    for (const tag of tags) all.push([tag, version]);
  }
  return {
    bans,
    /** Another process bans these. */
    banElsewhere: (...tags: readonly string[]) => add(tags),
    /** The notice of that ban arrives. */
    notice: (since: number) => notify({ ...page(since), since }),
    /** The version of the last ban. */
    get version() {
      return version;
    },
    async setClock(ms: number) {
      setMs = ms;
      notify();
      await bans.know(version);
    },
  };
}

test('a ban holds when its notice arrives, without a read of the store, unless a notice before it was lost', async (t) => {
  const store = toClockedStore(t);
  const { bans, banElsewhere, notice } = store;
  await bans.know();
  const askedAtMs = bans.nowMs();

  banElsewhere('first');
  notice(0);
  t.true(bans.isBanned(['first'], askedAtMs));
  await nextTurn();
  const laterMs = bans.nowMs();
  notice(0);
  t.false(bans.isBanned(['first'], laterMs));

  banElsewhere('lost');
  const since = store.version;
  banElsewhere('last');
  notice(since);
  t.false(bans.isBanned(['last'], askedAtMs));
  await until(() => bans.isBanned(['lost'], askedAtMs) && bans.isBanned(['last'], askedAtMs), 'the read of the store');
});

const HOUR_MS = 3_600_000;

for (const ms of [-HOUR_MS, HOUR_MS]) {
  test(`the time of a process goes on when the clock of its store is set by ${ms} ms, and purges hold for what was asked before them`, async (t) => {
    const { bans, banElsewhere, setClock } = toClockedStore(t);
    await bans.know();
    banElsewhere('old');
    await setClock(0);
    const askedAtMs = bans.nowMs();

    banElsewhere('theirs');
    await setClock(ms);
    await bans.ban(['ours']);

    const passedMs = bans.nowMs() - askedAtMs;
    t.true(passedMs >= 0 && passedMs < PATIENCE_MS, `${passedMs} ms`);
    t.true(bans.isBanned(['theirs'], askedAtMs));
    t.true(bans.isBanned(['ours'], askedAtMs));
    t.false(bans.isBanned(['old'], askedAtMs));
    // A response that is asked for now can be stored, though the clock of the store shows an earlier time than that of the purge.
    const laterMs = bans.nowMs() + 1;
    t.false(bans.isBanned(['theirs', 'ours'], laterMs));
    t.is(bans.toSharedMs(askedAtMs), undefined);
    t.is(Math.round(bans.fromSharedMs(bans.toSharedMs(laterMs) ?? 0) - laterMs), 0);
  });
}
