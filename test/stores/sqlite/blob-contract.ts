import { testBlobs } from '../../helpers/blob-contract.ts';
import { ready, sqliteRoom } from '../../helpers/sqlite-store.ts';

testBlobs('SQLite', {
  prepare: async (t) => {
    const { open } = await sqliteRoom(t);
    return async () => (await ready(open())).blobs({ objectBytes: 2 ** 30, totalBytes: 0 });
  },
  hashesMetadata: true,
  longBytes: 1_000_000,
});
