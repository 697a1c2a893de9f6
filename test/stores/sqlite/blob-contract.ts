import { testBlobs } from '../../helpers/blob-contract.ts';
import { ready, sqliteFolder } from '../../helpers/sqlite-store.ts';

testBlobs('SQLite', {
  prepare: async (t) => {
    const { open } = await sqliteFolder(t);
    return async () => (await ready(open())).blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
  },
  hashesMetadata: true,
  longBytes: 1_000_000,
});
