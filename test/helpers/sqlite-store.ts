import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { untilResult } from './until-told.ts';

export interface SqliteRoom {
  readonly dataDir: string;
  /** Path of the database. */
  readonly file: string;
  /** What the stores had to say, in order. */
  readonly told: readonly string[];
  /** Another store on the same data, not used yet. Closed when the test ends. */
  open(): Store;
}

/** A data folder, not made yet, in a folder that is gone when the test ends. Without fsync, unless a test is about it: the disk is shared. */
export async function sqliteRoom(t: ExecutionContext, { fsync = false } = {}): Promise<SqliteRoom> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-state-'));
  const dataDir = join(folder, 'site', '.nexthop');
  const stores: Store[] = [];
  const told: string[] = [];
  t.teardown(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await rm(folder, { recursive: true, force: true });
  });
  return {
    dataDir,
    file: join(dataDir, 'state.db'),
    told,
    open: () => {
      const store = openSqliteStore({ dataDir, fsync, log: listeningLog(told) });
      stores.push(store);
      return store;
    },
  };
}

/** Resolves with the store when its thread runs: a busy machine may take longer to start it than a verb waits. */
export async function ready(store: Store): Promise<Store> {
  await untilResult(
    () =>
      store
        .kv('ready')
        .get('')
        .then(
          () => true,
          () => false,
        ),
    Boolean,
  );
  return store;
}

/** A log that keeps what it is told, as `level: message`. */
export function listeningLog(told: string[]): Log {
  const hear = (level: string) => (message: string) => void told.push(`${level}: ${message}`);
  return {
    info: hear('info'),
    warn: hear('warn'),
    error: hear('error'),
    access() {},
    reopen() {},
    async close() {},
  };
}
