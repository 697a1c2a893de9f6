import test, { type ExecutionContext } from 'ava';
import type { BlobPage, BlobStorage, ListQuery } from '../../src/contract/blob-storage.ts';
import type { PrepareBlobs } from './blob-contract.ts';

export interface BlobListContract {
  readonly prepare: PrepareBlobs;
  /** Keys of a list of several pages. */
  readonly listedKeys: number;
  /** Keys of a store that is deleted. */
  readonly deletedKeys: number;
}

const STORE = 'site:things';
/** Longer than what any storage keeps beside the key. */
const LONG_BYTES = 100_000;

/** The contract of lists of blobs, as tests. `name`: the storage's name. */
export function testBlobLists(name: string, { prepare, listedKeys, deletedKeys }: BlobListContract): void {
  const prepareOne = async (t: ExecutionContext): Promise<BlobStorage> => (await prepare(t))();

  test.serial(`${name}: lists have prefixes of bytes, and directories of one level`, async (t) => {
    const blobs = await prepareOne(t);
    for (const key of ['cats', 'cats/a', 'cats/deep/b', 'cats/deep/c', 'cats/zoo/d', 'catsuit', 'dog']) {
      await blobs.put(STORE, key, Buffer.from(key));
    }
    const list = async (query: ListQuery) => {
      const { blobs: found, directories } = await blobs.list(STORE, query);
      return [found.map(({ key }) => key), directories];
    };

    t.deepEqual(await list({ prefix: 'cats' }), [
      ['cats', 'cats/a', 'cats/deep/b', 'cats/deep/c', 'cats/zoo/d', 'catsuit'],
      [],
    ]);
    t.deepEqual(await list({ directories: true }), [['cats', 'catsuit', 'dog'], ['cats']]);
    t.deepEqual(await list({ prefix: 'cats/', directories: true }), [['cats/a'], ['cats/deep', 'cats/zoo']]);
    t.deepEqual(await list({ prefix: 'cats', directories: true }), [['cats', 'catsuit'], ['cats']]);
    t.deepEqual(await list({ prefix: 'x' }), [[], []]);
    const [first] = (await blobs.list(STORE)).blobs;
    t.deepEqual(first, { ...pick(await blobs.head(STORE, 'cats')), key: 'cats' });
    await t.throwsAsync(blobs.list(STORE, { cursor: '!' }), { name: 'BlobRefusal' });
  });

  test.serial(
    `${name}: pages have every key that was there all the time, once, while another process writes`,
    async (t) => {
      const open = await prepare(t);
      const [blobs, writer] = [await open(), await open()];
      const stood = Array.from({ length: listedKeys }, (_, at) => `key ${String(at * 2).padStart(5, '0')}`);
      await inTurns(stood, (key) => blobs.put(STORE, key, Buffer.from('x')));
      const added = stood.map((key, at) => (at % 10 === 0 ? `${key}+` : ''));

      const seen: string[] = [];
      let page: BlobPage | undefined;
      do {
        page = await blobs.list(STORE, page?.cursor === undefined ? {} : { cursor: page.cursor });
        seen.push(...page.blobs.map(({ key }) => key));
        t.true(page.blobs.length <= 1000);
        await inTurns(added.filter(Boolean).slice(seen.length % 100, 40), (key) =>
          writer.put(STORE, key, Buffer.from('y')),
        );
      } while (page.cursor !== undefined);

      t.is(new Set(seen).size, seen.length);
      t.deepEqual(
        seen.filter((key) => !key.endsWith('+')),
        stood,
      );
    },
  );

  test.serial(`${name}: a store is deleted in steps`, async (t) => {
    const blobs = await prepareOne(t);
    await inTurns(
      Array.from({ length: deletedKeys }, (_, at) => `key ${at}`),
      (key) => blobs.put(STORE, key, Buffer.from('x')),
    );
    await blobs.put(STORE, 'long', Buffer.alloc(LONG_BYTES));
    await blobs.put('site:other', 'key', Buffer.from('x'));

    let deleted = 0;
    for (let hasMore = true; hasMore; ) {
      const step = await blobs.deleteStore(STORE);
      deleted += step.deleted;
      hasMore = step.hasMore;
    }

    t.is(deleted, deletedKeys + 1);
    t.deepEqual(await blobs.listStores(''), { stores: ['site:other'] });
    t.deepEqual(await blobs.deleteStore(STORE), { deleted: 0, hasMore: false });
  });
}

/** Runs `work` for all, 50 at once. */
async function inTurns(keys: readonly string[], work: (key: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map(work));
}

function pick({ etag = '', size = 0, modifiedAtMs = 0 }: Partial<Awaited<ReturnType<BlobStorage['head']>>> = {}) {
  return { etag, size, modifiedAtMs };
}
