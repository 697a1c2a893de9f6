import { randomUUID } from 'node:crypto';
import test from 'ava';
import { testBlobs } from '../../helpers/blob-contract.ts';
import { runRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';

const server = await runRedis();
test.after.always(() => server.stop());

testBlobs('Redis', {
  prepare: async (t) => {
    const prefix = randomUUID();
    return async () => openStore(t, server.url, prefix).store.blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
  },
  hashesMetadata: true,
  longBytes: 1_000_000,
});
