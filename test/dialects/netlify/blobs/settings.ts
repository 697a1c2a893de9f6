import { randomUUID } from 'node:crypto';
import { getStore } from '@netlify/blobs';
import test from 'ava';
import { startBlobsSite } from '../../../helpers/blobs-site.ts';
import { runRedis } from '../../../helpers/redis-server.ts';
import { runS3 } from '../../../helpers/s3-server.ts';

const redis = await runRedis();
test.after.always(() => redis.stop());

const env = () => ({ REDIS_URL: redis.url, REDIS_PREFIX: randomUUID() });

test.serial('a start with REDIS_URL is refused if code uses blobs that no storage shares', async (t) => {
  const error = await t.throwsAsync(startBlobsSite(t, {}, env()));

  t.like(error, { name: 'UnfitBlobStorage', isOfSetting: true });
  t.regex(error?.message ?? '', /each container would have its own blobs.*BLOBS_REDIS=1/s);
});

test.serial('a start with REDIS_URL is not refused if only the package.json has the package', async (t) => {
  const files = {
    'netlify/functions/blob.mjs': `export default async () => new Response('works'); export const config = { path: '/blob' };`,
    'package.json': '{ "dependencies": { "@netlify/blobs": "*" } }',
  };
  const { url } = await startBlobsSite(t, files, env(), { isReady: false });

  t.is(await (await fetch(`${url}/blob`)).text(), 'works');
  await t.throwsAsync(getStore('things').set('key', 'x'), { message: /store_unavailable/ });
});

test.serial('with BLOBS_REDIS=1 two containers have the same blobs', async (t) => {
  const settings = { ...env(), BLOBS_REDIS: '1' };
  const sites = [await startBlobsSite(t, {}, settings), await startBlobsSite(t, {}, settings)];

  await getStore('things').set('key', 'shared');

  for (const { url } of sites) t.is(await (await fetch(`${url}/blob`)).text(), 'shared');
});

test.serial('with BLOBS_S3 two containers have the same blobs in a bucket', async (t) => {
  const server = await runS3();
  t.teardown(() => server.close());
  const settings = { ...env(), BLOBS_S3: server.url('prefix'), SITE_ID: 'my-site' };
  const sites = [await startBlobsSite(t, {}, settings), await startBlobsSite(t, {}, settings)];

  await getStore('things').set('key', 'shared', { metadata: { a: 1 } });

  for (const { url } of sites) t.is(await (await fetch(`${url}/blob`)).text(), 'shared');
  t.deepEqual((await getStore('things').getMetadata('key'))?.metadata, { a: 1 });
  t.false((await getStore('things').set('key', 'x', { onlyIfNew: true })).modified);
});

test.serial('a start is refused with a bucket that has no conditional writes', async (t) => {
  const server = await runS3({ hasConditions: false });
  t.teardown(() => server.close());

  const start = startBlobsSite(t, {}, { BLOBS_S3: server.url('prefix') });

  await t.throwsAsync(start, { name: 'UnfitBlobStorage', message: /BLOBS_S3: .*has no conditional writes/ });
});

test.serial('two sites in one process have their own blobs', async (t) => {
  const one = await startBlobsSite(t);
  await getStore('things').set('key', 'of the first');
  const two = await startBlobsSite(t);
  await getStore('things').set('key', 'of the second');

  t.is(await (await fetch(`${one.url}/blob`)).text(), 'of the first');
  t.is(await (await fetch(`${two.url}/blob`)).text(), 'of the second');
});
