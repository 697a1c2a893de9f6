import { blobSteps } from './blob-steps.ts';
import type { DatabaseContent } from './database-content.ts';
import { DiskRoom } from './disk-room.ts';
import { jobSteps } from './job-steps.ts';
import { kvSteps } from './kv-steps.ts';
import { ledgerSteps } from './ledger-steps.ts';
import { MIGRATIONS } from './schema.ts';
import { StoreClock } from './store-clock.ts';
import { Upkeep } from './upkeep.ts';
import type { Steps } from './verbs.ts';

/** Jobs, key-value data and the index of blobs. */
export const STATE_CONTENT: DatabaseContent = {
  migrations: MIGRATIONS,
  isDisposable: false,
  open(database, { path }) {
    const clock = StoreClock.open(database);
    const steps: Steps = {
      ...jobSteps(database, clock),
      ...ledgerSteps(database, clock),
      ...kvSteps(database),
      ...blobSteps(database),
    };
    const version = database.prepare('PRAGMA data_version');
    return {
      steps,
      upkeep: new Upkeep(database, clock),
      room: new DiskRoom(database, path),
      // It changes with commits of other connections, never with those of this one.
      version: () => version.get()?.data_version,
    };
  },
};
