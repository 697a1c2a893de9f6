import { randomUUID } from 'node:crypto';
import test from 'ava';
import { testKv } from '../../helpers/kv-contract.ts';
import { testLedger } from '../../helpers/ledger-contract.ts';
import type { PrepareStore } from '../../helpers/prepare-store.ts';
import { testQueue } from '../../helpers/queue-contract.ts';
import { runGroup } from '../../helpers/redis-group.ts';
import { openStore } from '../../helpers/redis-store.ts';
import { testTicks } from '../../helpers/tick-contract.ts';

const group = await runGroup();
test.after.always(() => group.stop());

const prepare: PrepareStore = async (t) => {
  const prefix = randomUUID();
  return async () => openStore(t, group.url, { prefix }).store;
};

testQueue('Redis Sentinel', prepare);
testTicks('Redis Sentinel', prepare);
testLedger('Redis Sentinel', prepare);
testKv('Redis Sentinel', prepare);
