import { type PrepareBlobs, testBlobs } from '../../helpers/blob-contract.ts';
import { testBlobLists } from '../../helpers/blob-list-contract.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';

const prepare: PrepareBlobs = async (t) => {
  const { open } = await sqliteFolder(t);
  return async () => (await ready(open())).blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
};

testBlobs('SQLite', {
  prepare,
  hashesMetadata: true,
  longBytes: 1_000_000,
});
testBlobLists('SQLite', { prepare, listedKeys: 2300, deletedKeys: 1100 });
