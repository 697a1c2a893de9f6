import { existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import type { CacheStore } from '../../../src/contract/cache-store.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { type SqliteFolder, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { startStateProcess } from '../../helpers/state-process.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';

const LIMIT_BYTES = 4 * 1024 * 1024;
const VALUE = Buffer.alloc(256 * 1024, 'x');

async function openCache(t: ExecutionContext): Promise<{ cache: CacheStore; folder: SqliteFolder; file: string }> {
  const folder = await sqliteFolder(t);
  return { cache: folder.open().cache(LIMIT_BYTES), folder, file: join(folder.dataDir, 'cache.db') };
}

test.serial('a cache without entries opens no file, and entries are not in the file of the queue', async (t) => {
  const { cache, folder, file } = await openCache(t);
  t.false(cache.mayHaveEntries());
  t.false(existsSync(file));

  await cache.write('a', VALUE, 60_000);

  t.true(cache.mayHaveEntries());
  t.true(existsSync(file));
  t.false(existsSync(folder.file));
});

test.serial('the file stays within its limit, and the entries that were not used for longest go first', async (t) => {
  const { cache, file } = await openCache(t);
  await cache.write('used', VALUE, 60_000);
  for (let count = 0; count < 40; count++) {
    await cache.write(`entry ${count}`, VALUE, 60_000);
    t.truthy(await cache.read('used'));
  }

  t.is(await cache.read('entry 0'), undefined);
  t.truthy(await cache.read('entry 39'));
  const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
  database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
  database.close();
  t.true(statSync(file).size <= LIMIT_BYTES + VALUE.length);
});

test.serial(
  'a flood of entries that are only written does not remove those that were read or written again',
  async (t) => {
    const { cache } = await openCache(t);
    for (const key of ['read', 'renewed', 'once']) await cache.write(key, VALUE, 60_000);
    t.truthy(await cache.read('read'));
    await cache.write('renewed', VALUE, 60_000);

    for (let count = 0; count < 100; count++) await cache.write(`random ${count}`, VALUE, 60_000);

    t.truthy(await cache.read('read'));
    t.truthy(await cache.read('renewed'));
    t.is(await cache.read('once'), undefined);
    t.truthy(await cache.read('random 99'));
  },
);

test.serial('entries that were used again make room for each other, and new ones find room', async (t) => {
  const { cache } = await openCache(t);
  for (let count = 0; count < 60; count++) {
    await cache.write(`entry ${count}`, VALUE, 60_000);
    t.truthy(await cache.read(`entry ${count}`));
  }

  t.is(await cache.read('entry 0'), undefined);
  t.truthy(await cache.read('entry 59'));
  t.truthy(await cache.read('entry 55'));
});

test.serial(
  'the bytes of the entries are those that the limit counts, and a cache without entries has none',
  async (t) => {
    const { cache, file } = await openCache(t);
    t.is(await cache.bytes(), 0);
    t.false(existsSync(file));
    await cache.write('a', VALUE, 60_000);
    const one = (await cache.bytes()) ?? 0;
    await cache.write('b', VALUE, 60_000);

    const two = (await cache.bytes()) ?? 0;
    t.true(one >= VALUE.length && one < 2 * VALUE.length, String(one));
    t.true(two >= one + VALUE.length, String(two));
    await cache.delete(['a']);
    t.true(((await cache.bytes()) ?? 0) < two);
    for (let count = 0; count < 40; count++) await cache.write(`entry ${count}`, VALUE, 60_000);
    t.true(((await cache.bytes()) ?? 0) <= LIMIT_BYTES);
  },
);

test.serial('an entry that is larger than the limit is not kept, and the next one is', async (t) => {
  const { cache } = await openCache(t);

  await cache.write('large', Buffer.alloc(LIMIT_BYTES + 1), 60_000);
  await cache.write('small', VALUE, 60_000);

  t.is(await cache.read('large'), undefined);
  t.truthy(await cache.read('small'));
});

for (const [what, damage] of [
  ['overwritten', (file: string) => writeFileSync(file, 'no database at all'.repeat(1000))],
  ['cut off', (file: string) => truncateSync(file, 5000)],
] as const) {
  test.serial(`a file that was ${what} is replaced by an empty one`, async (t) => {
    const { cache, folder, file } = await openCache(t);
    const store = folder.open();
    await store.cache(LIMIT_BYTES).write('a', VALUE, 60_000);
    await store.close();

    damage(file);

    await untilResult(
      async () => {
        await cache.write('b', VALUE, 60_000).catch(() => {});
        return cache.read('b').catch(() => undefined);
      },
      (found) => found !== undefined,
    );
    t.true(folder.logged.some((line) => line.startsWith('warn') && line.includes('it holds cached data only')));
    t.false(folder.logged.some((line) => line.includes('restore a backup')));
  });
}

test.serial('no entry is half after a process was killed while it wrote entries', async (t) => {
  const folder = await sqliteFolder(t);
  const script = `
    const cache = store.cache(${LIMIT_BYTES});
    for (let count = 0; ; count++) {
      await Promise.all([0, 1, 2, 3].map((key) => cache.write('key ' + key, Buffer.alloc(100_000 + count, String(count % 10)), 60_000)));
      say(count);
    }`;
  for (let round = 1; round <= 2; round++) {
    const writer = startStateProcess(t, script, folder);
    await until(() => writer.values.length >= 5 * round, 'some writes');

    writer.child.kill('SIGKILL');
    await writer.exited;

    const store = folder.open();
    const cache = store.cache(LIMIT_BYTES);
    for (const key of [0, 1, 2, 3]) {
      const value = Buffer.from((await cache.read(`key ${key}`))?.value ?? []);
      const count = value.length - 100_000;
      t.true(count >= 0 && value.equals(Buffer.alloc(value.length, String(count % 10))), `key ${key}`);
    }
    await store.close();
  }
});

test.serial('a file that was removed is created again by the next write', async (t) => {
  const { cache, folder } = await openCache(t);
  const other = folder.open().cache(LIMIT_BYTES);
  await cache.write('a', VALUE, 60_000);

  for (const suffix of ['', '-wal', '-shm']) await rm(join(folder.dataDir, `cache.db${suffix}`), { force: true });
  await cache.write('b', VALUE, 60_000);

  t.is(await other.read('a'), undefined);
  t.truthy(await other.read('b'));
});
