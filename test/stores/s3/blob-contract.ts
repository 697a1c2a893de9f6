import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { s3Url } from '../../../src/config/s3-url.ts';
import { S3Blobs } from '../../../src/stores/s3/blobs.ts';
import { type PrepareBlobs, testBlobs } from '../../helpers/blob-contract.ts';
import { testBlobLists } from '../../helpers/blob-list-contract.ts';
import { runS3 } from '../../helpers/s3-server.ts';
import { recordingLog } from '../../helpers/sqlite-store.ts';

const server = await runS3();
test.after.always(() => server.close());

const prepare: PrepareBlobs = async () => {
  const bucket = s3Url(server.url(randomUUID()));
  if (!bucket) throw new Error('there is no bucket');
  const folder = join(tmpdir(), `nexthop-${randomUUID()}`);
  return async () => new S3Blobs({ bucket, site: 'site', folder, objectLimitBytes: 2 ** 30, log: recordingLog([]) });
};

testBlobs('S3', {
  prepare,
  hashesMetadata: false,
  longBytes: 5_000_000,
});
testBlobLists('S3', { prepare, listedKeys: 1100, deletedKeys: 50 });
