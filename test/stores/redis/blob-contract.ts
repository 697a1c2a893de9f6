import { randomUUID } from 'node:crypto';
import test from 'ava';
import { type PrepareBlobs, testBlobs } from '../../helpers/blob-contract.ts';
import { testBlobLists } from '../../helpers/blob-list-contract.ts';
import { runRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';

const server = await runRedis();
test.after.always(() => server.stop());

const prepare: PrepareBlobs = async (t) => {
  const prefix = randomUUID();
  return async () => openStore(t, server.url, { prefix }).store.blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
};

testBlobs('Redis', {
  prepare,
  hashesMetadata: true,
  longBytes: 1_000_000,
});
testBlobLists('Redis', { prepare, listedKeys: 2300, deletedKeys: 1100 });
