import { join } from 'node:path';
import type { Log } from '../../contract/log.ts';
import type { Store } from '../../contract/store.ts';
import { SqliteKv, SqliteQueue } from './queue.ts';
import { StateThread } from './state-thread.ts';

/** The database's name in the data folder; SQLite puts files beside it that begin the same. */
export const STATE_FILE = 'state.db';

export interface SqliteSetup {
  /** Made when the store is first used. */
  readonly dataDir: string;
  /** Without, what is stored survives the process, but maybe not a loss of power. */
  readonly fsync: boolean;
  readonly log: Log;
}

/** The embedded store. Nothing is opened, and no thread started, before it is used. Several processes may open the same. */
export function openSqliteStore({ dataDir, fsync, log }: SqliteSetup): Store {
  const thread = new StateThread({
    file: join(dataDir, STATE_FILE),
    fsync,
    log,
    onChange: () => queue.announce(),
  });
  const queue = new SqliteQueue(thread);
  return {
    queue,
    kv: (namespace) => new SqliteKv(thread, namespace),
    close: () => thread.close(),
  };
}
