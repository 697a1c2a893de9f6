import { testCacheStore } from '../../helpers/cache-store-contract.ts';
import { testKv } from '../../helpers/kv-contract.ts';
import { testLedger } from '../../helpers/ledger-contract.ts';
import type { PrepareStore } from '../../helpers/prepare-store.ts';
import { testQueue } from '../../helpers/queue-contract.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';
import { testTicks } from '../../helpers/tick-contract.ts';

const prepare: PrepareStore = async (t) => {
  const { open } = await sqliteFolder(t);
  return () => ready(open());
};

testQueue('SQLite', prepare);
testTicks('SQLite', prepare);
testLedger('SQLite', prepare);
testKv('SQLite', prepare);
testCacheStore('SQLite', prepare);
