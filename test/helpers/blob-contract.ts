import test, { type ExecutionContext } from 'ava';
import type { BlobStorage, FoundBlob, PutOptions } from '../../src/contract/blob-storage.ts';

/** Prepares empty storage. Each call of the result opens it once more, like another process. */
export type PrepareBlobs = (t: ExecutionContext) => Promise<() => Promise<BlobStorage>>;

export interface BlobContract {
  readonly prepare: PrepareBlobs;
  /** Whether the ETag depends on metadata. That of S3 does not. */
  readonly hashesMetadata: boolean;
  /** Bytes of the longest body that the suite stores. */
  readonly longBytes: number;
}

const STORE = 'site:things';

/** The contract of storage for blobs, as tests. `name`: the storage's name. */
export function testBlobs(name: string, { prepare, hashesMetadata, longBytes }: BlobContract): void {
  const prepareOne = async (t: ExecutionContext): Promise<BlobStorage> => (await prepare(t))();

  test.serial(`${name}: a body is returned unchanged, short or long, with any bytes`, async (t) => {
    const open = await prepare(t);
    const [blobs, elsewhere] = [await open(), await open()];
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const body of [new Uint8Array(), every, every.subarray(3, 9), Buffer.alloc(longBytes, every)]) {
      const stored = await blobs.put(STORE, 'key', body);

      const found = await elsewhere.get(STORE, 'key');
      t.true(Buffer.from(body).equals(await read(found)));
      t.is(found?.entry.size, body.length);
      t.deepEqual(stored, { state: 'stored', etag: found?.entry.etag ?? '' });
      t.deepEqual(await elsewhere.head(STORE, 'key'), found?.entry);
    }
  });

  test.serial(`${name}: a stream is stored as a whole, and a body that fails leaves the old blob`, async (t) => {
    const blobs = await prepareOne(t);
    await blobs.put(STORE, 'key', parts(longBytes, 1000));
    t.is((await blobs.head(STORE, 'key'))?.size, longBytes);

    await t.throwsAsync(blobs.put(STORE, 'key', failingParts(longBytes)), { message: 'the client left' });

    const kept = await read(await blobs.get(STORE, 'key'));
    t.is(kept.length, longBytes);
    t.is(kept[0], 1);
  });

  test.serial(`${name}: type and metadata are kept, and replaced by each put`, async (t) => {
    const blobs = await prepareOne(t);
    const before = Date.now();
    await blobs.put(STORE, 'key', Buffer.from('x'), { contentType: 'image/png', metadata: 'b64;e30=' });
    t.like(await blobs.head(STORE, 'key'), { contentType: 'image/png', metadata: 'b64;e30=', size: 1 });
    // S3 has whole seconds.
    t.true(((await blobs.head(STORE, 'key'))?.modifiedAtMs ?? 0) >= before - 2000);

    await blobs.put(STORE, 'key', Buffer.from('x'), {});

    t.is((await blobs.head(STORE, 'key'))?.metadata, '');
  });

  test.serial(`${name}: the ETag names the content`, async (t) => {
    const blobs = await prepareOne(t);
    const etagOf = async (text: string, options: PutOptions = {}): Promise<string> => {
      const outcome = await blobs.put(STORE, 'key', Buffer.from(text), options);
      return outcome.state === 'stored' ? outcome.etag : '';
    };
    const first = await etagOf('one');

    t.regex(first, /^"[^"]+"$/);
    t.not(await etagOf('two'), first);
    t.is(await etagOf('one'), first);
    t.is((await etagOf('one', { metadata: 'b64;e30=' })) === first, !hashesMetadata);
  });

  test.serial(`${name}: a key that was never put or was deleted is missing`, async (t) => {
    const blobs = await prepareOne(t);
    await blobs.put(STORE, 'key', Buffer.from('x'));

    t.is(await blobs.delete(STORE, 'key'), 'deleted');
    t.not(await blobs.delete(STORE, 'key'), 'changed');
    t.is(await blobs.get(STORE, 'key'), undefined);
    t.is(await blobs.head(STORE, 'other'), undefined);
    t.deepEqual(await blobs.list(STORE), { blobs: [], directories: [] });
    t.deepEqual(await blobs.listStores(''), { stores: [] });
  });

  test.serial(`${name}: conditional writes change nothing unless their condition holds`, async (t) => {
    const blobs = await prepareOne(t);
    const put = (text: string, condition: NonNullable<PutOptions['condition']>) =>
      blobs.put(STORE, 'key', Buffer.from(text), { condition });

    t.is((await put('none', { ifMatch: '"0123"' })).state, 'changed');
    t.is(await blobs.get(STORE, 'key'), undefined);
    const first = await put('one', 'new');
    t.is(first.state, 'stored');
    t.is((await put('two', 'new')).state, 'changed');
    t.is((await put('two', { ifMatch: '"0123"' })).state, 'changed');
    const etag = first.state === 'stored' ? first.etag : '';
    t.is((await put('two', { ifMatch: `W/${etag}` })).state, 'changed');
    t.is((await read(await blobs.get(STORE, 'key'))).toString(), 'one');
    t.is((await put('two', { ifMatch: etag })).state, 'stored');
    t.is((await read(await blobs.get(STORE, 'key'))).toString(), 'two');
  });

  test.serial(`${name}: of 20 simultaneous writes of a new key one wins`, async (t) => {
    const open = await prepare(t);
    const storages = [await open(), await open()];
    for (const key of ['one', 'two', 'three']) {
      const puts = Array.from({ length: 20 }, (_, at) =>
        storages[at % 2]?.put(STORE, key, Buffer.from(`by ${at}`), { condition: 'new' }),
      );
      const winners = (await Promise.all(puts)).flatMap((outcome, at) => (outcome?.state === 'stored' ? [at] : []));

      t.is(winners.length, 1);
      t.is((await read(await storages[0]?.get(STORE, key))).toString(), `by ${winners[0]}`);
    }
  });

  test.serial(`${name}: counters that are raised with ifMatch lose no update`, async (t) => {
    const open = await prepare(t);
    const storages = [await open(), await open()];
    await storages[0]?.put(STORE, 'count', Buffer.from('0'));
    const raise = async (blobs: BlobStorage): Promise<void> => {
      for (;;) {
        const found = await blobs.get(STORE, 'count');
        const ifMatch = found?.entry.etag ?? '';
        const next = String(Number(await read(found)) + 1);
        const { state } = await blobs.put(STORE, 'count', Buffer.from(next), { condition: { ifMatch } });
        if (state === 'stored') return;
      }
    };

    await Promise.all(
      storages.map(async (blobs) => {
        for (let round = 0; round < 50; round++) await raise(blobs);
      }),
    );

    t.is((await read(await storages[0]?.get(STORE, 'count'))).toString(), '100');
  });

  test.serial(`${name}: keys and stores may have any characters and are apart`, async (t) => {
    const blobs = await prepareOne(t);
    const keys = [
      ...[
        'a',
        'a/b',
        'a//b',
        'A',
        'a/',
        'a b',
        'a+b',
        'a%2Fb',
        'a?b=c',
        'a#b',
        'a\\b',
        "it's",
        '*',
        '(x)',
        '{y}',
        '~',
        '&=@:,;',
      ],
      ...['ключ', '鍵', '🔑', 'e\u0301', 'é', '__proto__', 'x'.repeat(255), `${'y/'.repeat(299)}yy`, '...', '.a', '%'],
    ];
    for (const key of keys) await blobs.put(STORE, key, Buffer.from(`of ${key}`));
    await blobs.put('site:Things', 'a', Buffer.from('other'));
    await blobs.put('deploy:1a', 'a', Buffer.from('other'));

    for (const key of keys) t.is((await read(await blobs.get(STORE, key))).toString(), `of ${key}`, key);
    const listed = (await blobs.list(STORE)).blobs.map(({ key }) => key);
    t.deepEqual(
      listed,
      keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
    );
    t.deepEqual(await blobs.listStores('site:'), { stores: ['site:Things', STORE] });
    t.deepEqual(await blobs.listStores(''), { stores: ['deploy:1a', 'site:Things', STORE] });
  });

  test.serial(`${name}: names that no storage can hold are refused`, async (t) => {
    const blobs = await prepareOne(t);
    const bad = ['', '/a', 'a\0b', 'é'.repeat(301), '.', '..', 'a/../b', './a', 'a/.', '\ud800'];
    for (const key of bad) {
      await t.throwsAsync(blobs.put(STORE, key, Buffer.from('x')), { name: 'BlobRefusal' }, JSON.stringify(key));
      await t.throwsAsync(blobs.get(STORE, key), { name: 'BlobRefusal' }, JSON.stringify(key));
    }
    for (const store of ['', 'a/b', 'x'.repeat(200)]) {
      await t.throwsAsync(blobs.put(store, 'key', Buffer.from('x')), { name: 'BlobRefusal' }, store);
    }
    t.deepEqual(await blobs.listStores(''), { stores: [] });
  });

  test.serial(`${name}: a reader gets the old body to its end while the blob is replaced and deleted`, async (t) => {
    const open = await prepare(t);
    const [blobs, other] = [await open(), await open()];
    await blobs.put(STORE, 'key', Buffer.alloc(longBytes, 'a'));
    const found = await blobs.get(STORE, 'key');

    await other.put(STORE, 'key', Buffer.alloc(longBytes, 'b'));
    await other.delete(STORE, 'key');

    t.true((await read(found)).equals(Buffer.alloc(longBytes, 'a')));
  });
}

/** The content of a blob. */
export async function read(found: FoundBlob | undefined): Promise<Buffer> {
  if (!found) throw new Error('there is no such blob');
  const { body } = found;
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(await new Response(body).arrayBuffer());
}

/** `bytes` ones, in parts. */
async function* parts(bytes: number, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= partBytes) yield Buffer.alloc(Math.min(left, partBytes), 1);
}

async function* failingParts(bytes: number): AsyncGenerator<Uint8Array> {
  yield* parts(bytes - 1, 50_000);
  throw new Error('the client left');
}
