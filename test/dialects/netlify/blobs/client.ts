import { getDeployStore, getStore, listStores } from '@netlify/blobs';
import test from 'ava';
import { readBlobsContext, startBlobsSite } from '../../../helpers/blobs-site.ts';

const TEXT = { type: 'text' } as const;

test.serial('the client reads what it wrote, in every form', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);

  await store.set('text', 'hällo');
  await store.setJSON('json', { a: [1] });
  await store.set('bytes', bytes.buffer);
  await store.set('blob', new Blob([bytes], { type: 'image/png' }), { metadata: { name: 'é' } });

  t.is(await store.get('text', TEXT), 'hällo');
  t.deepEqual(await store.get('json', { type: 'json' }), { a: [1] });
  t.deepEqual(new Uint8Array(await store.get('bytes', { type: 'arrayBuffer' })), bytes);
  const blob = await store.get('blob', { type: 'blob' });
  t.is(blob.type, 'image/png');
  t.deepEqual(new Uint8Array(await new Response(await store.get('blob', { type: 'stream' })).arrayBuffer()), bytes);
  t.falsy(await store.get('nothing', TEXT));
  t.is(await store.getMetadata('nothing'), null);
});

test.serial('metadata and ETag come with a blob, and a known ETag saves the content', async (t) => {
  await startBlobsSite(t);
  const store = getStore({ name: 'things', consistency: 'strong' });
  const { etag } = await store.set('key', 'one', { metadata: { a: 1 } });

  t.deepEqual(await store.getMetadata('key'), { etag, metadata: { a: 1 } });
  t.deepEqual(await store.getWithMetadata('key'), { data: 'one', etag, metadata: { a: 1 } });
  t.deepEqual(await store.getWithMetadata('key', { etag: etag ?? '' }), { data: null, etag, metadata: { a: 1 } });
  t.like(await store.getWithMetadata('key', { etag: '"other"' }), { data: 'one' });
  await store.set('key', 'one');
  t.deepEqual((await store.getMetadata('key'))?.metadata, {});
});

test.serial('conditional writes say whether they modified the blob', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');

  const first = await store.set('key', 'one', { onlyIfNew: true });
  t.true(first.modified);
  t.deepEqual(await store.set('key', 'two', { onlyIfNew: true }), { modified: false });
  t.deepEqual(await store.setJSON('key', 2, { onlyIfMatch: '"other"' }), { modified: false });
  t.true((await store.set('key', 'two', { onlyIfMatch: first.etag ?? '' })).modified);
  t.is(await store.get('key', TEXT), 'two');
});

test.serial('of 20 simultaneous writes of a new key one wins', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');

  const writes = Array.from({ length: 20 }, (_, at) => store.set('key', `${at}`, { onlyIfNew: true }));
  const won = (await Promise.all(writes)).flatMap(({ modified }, at) => (modified ? [`${at}`] : []));

  t.deepEqual(won, [await store.get('key', TEXT)]);
});

test.serial('lists have prefixes, directories and pages', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');
  for (const key of ['cats/a', 'cats/deep/b', 'catsuit', 'dog']) await store.set(key, key);
  const keys = async (options: Parameters<typeof store.list>[0]) => {
    const { blobs, directories } = await store.list({ ...options, paginate: false });
    return [blobs.map(({ key }) => key), directories];
  };

  t.deepEqual(await keys({}), [['cats/a', 'cats/deep/b', 'catsuit', 'dog'], []]);
  t.deepEqual(await keys({ prefix: 'cats' }), [['cats/a', 'cats/deep/b', 'catsuit'], []]);
  t.deepEqual(await keys({ prefix: 'cats/', directories: true }), [['cats/a'], ['cats/deep']]);
  await Promise.all(Array.from({ length: 2100 }, (_, at) => getStore('many').set(`key ${at}`, '')));
  const pages: number[] = [];
  for await (const { blobs } of getStore('many').list({ paginate: true })) pages.push(blobs.length);
  t.deepEqual(pages, [1000, 1000, 100]);
  t.deepEqual(await listStores(), { stores: ['many', 'things'] });
  t.deepEqual(await getStore('many').deleteAll(), { deletedBlobs: 2100 });
  t.deepEqual((await getStore('none').list()).blobs, []);
});

test.serial('a deleted blob is gone, and deleting it again is no error', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');
  await store.set('key', 'one');

  await store.delete('key');
  await store.delete('key');

  t.falsy(await store.get('key', TEXT));
});

test.serial('deploy stores are apart from site stores', async (t) => {
  await startBlobsSite(t);
  await getDeployStore().set('key', 'of the deploy');
  await getDeployStore('things').set('key', 'of a store of the deploy');
  await getDeployStore({ name: 'things', region: 'eu-central-1' }).set('other', 'x');

  t.falsy(await getStore('things').get('key', TEXT));
  t.is(await getDeployStore().get('key', TEXT), 'of the deploy');
  t.is(await getDeployStore('things').get('key', TEXT), 'of a store of the deploy');
  t.deepEqual(await listStores(), { stores: [] });
});

test.serial('keys with characters that the client does not encode never leave their store or site', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');
  await getStore('other').set('k', 'other');
  const arrivesAs = async (key: string, arrived: string): Promise<void> => {
    await store.deleteAll();
    await store.set(key, `by ${key}`);
    t.deepEqual(
      (await store.list()).blobs.map((blob) => blob.key),
      [arrived],
    );
    t.is(await store.get(key, TEXT), `by ${key}`);
  };

  // As on the platform: the client makes a URL of the key.
  await arrivesAs('a?b', 'a');
  await arrivesAs('a#b', 'a');
  await arrivesAs('a\\b', 'a/b');
  await arrivesAs('a b', 'a b');
  await arrivesAs('é/鍵', 'é/鍵');
  await arrivesAs('a%2Fb', 'a/b');
  await arrivesAs('100%', '100%');
  await arrivesAs('x'.repeat(600), 'x'.repeat(600));

  // The path of such a key leads to another store or site.
  await store.set('x/../../site:third/k', 'by path');
  t.is(await getStore('third').get('k', TEXT), 'by path');
  const elsewhere = { message: /the URL leads to another site/ };
  await t.throwsAsync(store.set('../../other/site:things/k', 'x'), elsewhere);
  await t.throwsAsync(store.get('../../other/site:things/k', TEXT), elsewhere);
  t.deepEqual(await store.set('../../other/site:things/k', 'x', { onlyIfNew: true }), { modified: false });
  // A key that is the store itself must not delete it.
  await store.set('stays', 'x');
  await t.throwsAsync(store.delete('.'), { message: /is empty/ });
  await t.throwsAsync(store.set('a%00b', 'x'), { message: /characters that no key may have/ });
  await t.throwsAsync(store.set('a%2F..%2Fb', 'x'), { message: /segment/ });
  t.is(await store.get('stays', TEXT), 'x');
});

test.serial('a stream of the site that fails leaves the old blob, and the call fails at once', async (t) => {
  await startBlobsSite(t);
  const store = getStore('things');
  await store.set('key', 'old');
  const failing = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.alloc(100_000)),
    pull: () => Promise.reject(new Error('no more')),
  });

  // Its types do not have streams, its code does.
  await t.throwsAsync(store.set('key', failing as unknown as Blob), { message: /the body failed: no more/ });

  t.is(await store.get('key', TEXT), 'old');
});

test.serial('blobs over a limit are refused at once, also conditional ones', async (t) => {
  await startBlobsSite(t, {}, { BLOBS_OBJECT_LIMIT: '1k', BLOBS_LIMIT: '2k' });
  const store = getStore('things');
  await store.set('one', 'x'.repeat(1024));

  await t.throwsAsync(store.set('key', 'x'.repeat(1025)), { message: /a blob has at most 1024 bytes/ });
  await store.set('two', 'x'.repeat(1024));
  await t.throwsAsync(store.set('three', 'x'), { message: /all blobs together have at most 2048 bytes/ });
  t.deepEqual(await store.set('three', 'x', { onlyIfNew: true }), { modified: false });
  await store.set('one', 'y'.repeat(1024));
  await store.delete('one');
  t.true((await store.set('three', 'x', { onlyIfNew: true })).modified);
});

test.serial('a call whose signal is aborted rejects with its reason and stores nothing', async (t) => {
  await startBlobsSite(t);
  const controller = new AbortController();
  const { edgeURL, siteID, token } = readBlobsContext();
  const endless = new ReadableStream({ pull: (stream) => stream.enqueue(Buffer.alloc(10_000)) });
  const request = fetch(`${edgeURL}/${siteID}/site:things/key`, {
    method: 'PUT',
    body: endless,
    duplex: 'half',
    signal: controller.signal,
    headers: { authorization: `Bearer ${token}` },
  } as RequestInit); // its types lack `duplex`

  controller.abort(new Error('the client left'));

  await t.throwsAsync(request, { message: 'the client left' });
  t.falsy(await getStore('things').get('key', TEXT));
});

test.serial('a fetch that is not for blobs is passed on', async (t) => {
  const { url } = await startBlobsSite(t, { 'dist/index.html': 'home' });

  t.is(await (await fetch(url)).text(), 'home');
  t.is(await (await fetch(new Request(url))).text(), 'home');
  await t.throwsAsync(fetch('nonsense'), { instanceOf: TypeError });
  const other = await fetch('http://blobs.nexthop.internal/site/site:things/key', { headers: { authorization: 'x' } });
  t.is(other.status, 403);
});
