import { randomUUID } from 'node:crypto';
import test from 'ava';
import { testKv } from '../../helpers/kv-contract.ts';
import { testLedger } from '../../helpers/ledger-contract.ts';
import type { PrepareStore } from '../../helpers/prepare-store.ts';
import { testQueue } from '../../helpers/queue-contract.ts';
import { runCluster } from '../../helpers/redis-cluster.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { testTicks } from '../../helpers/tick-contract.ts';

const cluster = await runCluster();
test.after.always(() => cluster.stop());

const prepare: PrepareStore = async (t) => {
  const prefix = randomUUID();
  return async () => openStore(t, cluster.url, { prefix }).store;
};

testQueue('Redis Cluster', prepare);
testTicks('Redis Cluster', prepare);
testLedger('Redis Cluster', prepare);
testKv('Redis Cluster', prepare);
