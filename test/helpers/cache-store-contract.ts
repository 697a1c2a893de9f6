import test, { type ExecutionContext } from 'ava';
import type { BanNews, BanPage, CacheStore } from '../../src/contract/cache-store.ts';
import { EVERYTHING, MOST_BANS } from '../../src/contract/cache-store.ts';
import type { Store } from '../../src/contract/store.ts';
import type { PrepareStore } from './prepare-store.ts';
import { untilResult } from './until-result.ts';

/** Larger than what the tests store. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** The contract of stores of the cache, as tests. `name`: the store's name. */
export function testCacheStore(name: string, prepare: PrepareStore): void {
  test.serial(`${name}: an entry is read unchanged by another process, until it is deleted`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const value of [new Uint8Array(0), every, Buffer.alloc(5 * 1024 * 1024, every), every.subarray(3, 9)]) {
      await ours.write('a:1', value, 60_000);

      t.true(Buffer.from(value).equals((await theirs.read('a:1'))?.value ?? Buffer.from('none')));
    }
    t.true(await theirs.delete(['none', 'a:1']));
    t.false(await theirs.delete(['none', 'a:1']));
    t.is(await ours.read('a:1'), undefined);
    t.is(await ours.read('a:2'), undefined);
  });

  test.serial(`${name}: an entry is absent after its time, and can be written again`, async (t) => {
    const [cache] = await openTwo(t, prepare);
    await cache.write('short', Buffer.from('x'), 30);
    await cache.write('long', Buffer.from('x'), 60_000);

    await untilResult(
      () => cache.read('short'),
      (found) => found === undefined,
    );

    t.truthy(await cache.read('long'));
    await cache.write('short', Buffer.from('y'), 60_000);
    t.is(Buffer.from((await cache.read('short'))?.value ?? []).toString(), 'y');
  });

  test.serial(`${name}: of two calls that lock a key one succeeds, until its lease ends`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);

    const locked = await Promise.all([ours.lock('a', 60_000), theirs.lock('a', 60_000), theirs.lock('b', 30)]);

    t.is(locked.slice(0, 2).filter(Boolean).length, 1);
    t.true(locked[2]);
    t.true(await untilResult(() => ours.lock('b', 60_000), Boolean));
    t.false(await theirs.lock('b', 30));
  });

  test.serial(
    `${name}: bans are read by another process with increasing times, also with one call for many`,
    async (t) => {
      const [ours, theirs] = await openTwo(t, prepare);
      const none = await theirs.bans(0);
      t.deepEqual([none.version, none.bans, none.hasEntries], [0, [], false]);

      const first = await ours.ban(['a', 'b'], 0);
      const second = await ours.ban(['c'], first.version);
      const all = await theirs.bans(0);
      const again = await ours.ban(['a'], second.version);

      t.deepEqual(tagsOf(first), ['a', 'b']);
      t.deepEqual(tagsOf(second), ['c']);
      t.deepEqual(all.bans.toSorted(), [...first.bans, ...second.bans].toSorted());
      t.is(all.version, second.version);
      t.true(first.version < second.version && second.version < again.version);
      t.deepEqual(await theirs.bans(second.version).then(tagsOf), ['a']);
      t.deepEqual(await theirs.bans(again.version).then(tagsOf), []);
      for (const { version, aheadMs } of [first, second, all, again]) {
        // The time of the store is never ahead of the ban that was just made, by what this process knows.
        t.true(Math.abs(Number(process.hrtime.bigint()) / 1e6 + aheadMs - version) < 60_000);
      }
    },
  );

  test.serial(`${name}: a read says up to which ban its reader must know them`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);
    await ours.write('a', Buffer.from('x'), 60_000);
    t.is((await theirs.read('a'))?.version, 0);

    const { version, hasEntries } = await ours.ban(['tag'], 0);

    t.is((await theirs.read('a'))?.version, version);
    t.true(hasEntries);
  });

  test.serial(`${name}: a ban of everything replaces all older ones`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);
    await ours.ban(['a', 'b'], 0);

    await ours.ban([EVERYTHING], 0);
    await ours.ban(['c'], 0);

    t.deepEqual(tagsOf(await theirs.bans(0)), [EVERYTHING, 'c']);
  });

  test.serial(
    `${name}: of too many bans the oldest become one of everything with the time of the last of them`,
    async (t) => {
      const [ours, theirs] = await openTwo(t, prepare);
      const names = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, index) => `tag ${from + index}`);
      const old = await ours.ban(names(0, 2000), 0);
      await ours.ban(names(2000, MOST_BANS), old.version);

      const { version } = await ours.ban(['newest'], old.version);
      const page = await theirs.bans(0);

      const everything = page.bans.find(([tag]) => tag === EVERYTHING);
      t.is(everything?.[1], old.version);
      t.true(page.bans.some(([tag, atMs]) => tag === 'newest' && atMs === version));
      t.true(page.bans.length <= MOST_BANS);
    },
  );

  test.serial(`${name}: a notice of a ban has the ban, and those before it since the last notice`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);
    const received: BanNews[] = [];
    const remove = theirs.onBan((news) => news && received.push(news));
    await theirs.bans(0);
    let version = 0;
    // The first ones may be made before the other process listens.
    await untilResult(
      async () => {
        ({ version } = await ours.ban(['a', 'b'], 0));
        return received.length;
      },
      (count) => count > 0,
    );

    const { version: next } = await ours.ban(['Ä', 'b'], version);

    await untilResult(
      async () => received,
      (all) => all.some((news) => news.version === next),
    );
    remove();
    for (const [at, { since, version: last, bans }] of received.entries()) {
      t.true(bans.every(([, atMs]) => atMs > since && atMs <= last));
      if (at > 0) t.is(since, received[at - 1]?.version as number); // there is one
    }
    const tags = received.flatMap(({ bans }) => bans).filter(([, atMs]) => atMs === next);
    t.deepEqual(tags.map(([tag]) => tag).toSorted(), ['b', 'Ä']);
  });

  test.serial(`${name}: another process is notified of bans and of the first entry`, async (t) => {
    const [ours, theirs] = await openTwo(t, prepare);
    let rings = 0;
    const remove = theirs.onBan(() => rings++);
    await theirs.bans(0);
    await untilResult(
      async () => rings,
      (count) => count > 0 || name === 'SQLite',
    );
    for (const work of [() => ours.ban(['a'], 0), () => ours.write('a', Buffer.from('x'), 60_000)]) {
      const before = rings;

      await work();

      await untilResult(
        async () => rings,
        (count) => count > before,
      );
    }
    t.true((await theirs.bans(0)).hasEntries);
    remove();
    t.pass();
  });
}

function tagsOf({ bans }: BanPage): readonly string[] {
  return bans.map(([tag]) => tag).toSorted();
}

async function openTwo(t: ExecutionContext, prepare: PrepareStore): Promise<readonly [CacheStore, CacheStore]> {
  const open = await prepare(t);
  const toCache = (store: Store): CacheStore => store.cache(LIMIT_BYTES);
  return [toCache(await open()), toCache(await open())];
}
