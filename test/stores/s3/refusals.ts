import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { s3Url } from '../../../src/config/s3-url.ts';
import { S3Blobs } from '../../../src/stores/s3/blobs.ts';
import { refusingPort } from '../../helpers/refusing-port.ts';
import { runS3 } from '../../helpers/s3-server.ts';
import { recordingLog } from '../../helpers/sqlite-store.ts';

function open(url: string, logged: string[] = []): S3Blobs {
  const bucket = s3Url(url);
  if (!bucket) throw new Error('there is no bucket');
  const folder = join(tmpdir(), `nexthop-${randomUUID()}`);
  return new S3Blobs({ bucket, site: 'site', folder, objectLimitBytes: 1000, log: recordingLog(logged) });
}

async function startS3(t: ExecutionContext, setup: Parameters<typeof runS3>[0] = {}) {
  const server = await runS3(setup);
  t.teardown(() => server.close());
  return server.url('prefix');
}

test.serial('a bucket with conditional writes fits, and nothing of the check stays in it', async (t) => {
  const blobs = open(await startS3(t));

  await t.notThrowsAsync(blobs.check());

  t.deepEqual(await blobs.listStores(''), { stores: [] });
});

test.serial('a bucket without conditional writes does not fit, and stores no conditional write', async (t) => {
  const logged: string[] = [];
  const blobs = open(await startS3(t, { hasConditions: false }), logged);

  await t.throwsAsync(blobs.check(), { name: 'UnfitBlobStorage', message: /has no conditional writes.*200, 200/ });
  const put = blobs.put('site:things', 'key', Buffer.from('x'), { condition: 'new' });
  await t.throwsAsync(put, { message: /has no conditional writes/ });
  t.is(await blobs.get('site:things', 'key'), undefined);
  t.regex(logged.join('\n'), /error: BLOBS_S3: the bucket bucket at .* has no conditional writes/);
});

test.serial('a wrong secret and a missing bucket do not fit', async (t) => {
  const url = await startS3(t);

  const refused = open(url.replace('S3RVER:S3RVER', 'S3RVER:other'));
  await t.throwsAsync(refused.check(), {
    name: 'UnfitBlobStorage',
    message: /refuses a write: 403 SignatureDoesNotMatch/,
  });
  const missing = open(url.replace('/bucket/', '/none/'));
  await t.throwsAsync(missing.check(), {
    name: 'UnfitBlobStorage',
    message: /bucket none .* refuses a write: 404 NoSuchBucket/,
  });
});

test.serial('a bucket that is away may fit, and its calls are rejected within a second', async (t) => {
  const logged: string[] = [];
  const blobs = open(`http://key:secret@127.0.0.1:${await refusingPort(t)}/bucket`, logged);
  const startedAtMs = performance.now();

  await t.notThrowsAsync(blobs.check());
  for (const call of [
    blobs.get('site:things', 'key'),
    blobs.put('site:things', 'key', Buffer.from('x')),
    blobs.put('site:things', 'key', Buffer.from('x'), { condition: 'new' }),
    blobs.list('site:things'),
  ]) {
    await t.throwsAsync(call, { code: 'store_unavailable' });
  }

  t.true(performance.now() - startedAtMs < 5000);
  t.is(logged.length, 1);
  t.regex(logged[0] ?? '', /^error: the bucket bucket at 127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
  t.notRegex(logged.join('\n'), /secret/);
});

test.serial('a body over the limit is refused, and no file of it stays', async (t) => {
  const blobs = open(await startS3(t));

  await t.throwsAsync(blobs.put('site:things', 'key', Buffer.alloc(1001)), { name: 'BlobRefusal' });

  t.is(await blobs.head('site:things', 'key'), undefined);
});

test.serial('a bucket is used with the fetch of Node, also if code of the site has replaced it', async (t) => {
  const blobs = open(await startS3(t));
  const { fetch: before } = globalThis;
  t.teardown(() => {
    globalThis.fetch = before;
  });
  globalThis.fetch = () => Promise.reject(new Error('replaced'));

  await t.notThrowsAsync(blobs.check());
});
