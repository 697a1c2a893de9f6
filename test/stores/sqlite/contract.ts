import { testKv } from '../../helpers/kv-contract.ts';
import { testLedger } from '../../helpers/ledger-contract.ts';
import { testQueue } from '../../helpers/queue-contract.ts';
import { ready, sqliteRoom } from '../../helpers/sqlite-store.ts';
import type { StorePlace } from '../../helpers/store-place.ts';
import { testTicks } from '../../helpers/tick-contract.ts';

const place: StorePlace = async (t) => {
  const { open } = await sqliteRoom(t);
  return () => ready(open());
};

testQueue('SQLite', place);
testTicks('SQLite', place);
testLedger('SQLite', place);
testKv('SQLite', place);
