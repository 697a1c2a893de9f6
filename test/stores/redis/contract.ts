import { randomUUID } from 'node:crypto';
import test from 'ava';
import { testCacheStore } from '../../helpers/cache-store-contract.ts';
import { testKv } from '../../helpers/kv-contract.ts';
import { testLedger } from '../../helpers/ledger-contract.ts';
import type { PrepareStore } from '../../helpers/prepare-store.ts';
import { testQueue } from '../../helpers/queue-contract.ts';
import { runRedis } from '../../helpers/redis-server.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { testTicks } from '../../helpers/tick-contract.ts';

const server = await runRedis();
test.after.always(() => server.stop());

const prepare: PrepareStore = async (t) => {
  const prefix = randomUUID();
  return async () => openStore(t, server.url, { prefix }).store;
};

testQueue('Redis', prepare);
testTicks('Redis', prepare);
testLedger('Redis', prepare);
testKv('Redis', prepare);
testCacheStore('Redis', prepare);
