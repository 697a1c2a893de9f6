import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { PATIENCE_MS } from './patience.ts';
import { untilResult } from './until-result.ts';

export interface SqliteFolder {
  readonly dataDir: string;
  /** Path of the database. */
  readonly file: string;
  /** The log messages of the stores, in order. */
  readonly logged: readonly string[];
  /** Opens another store on the same data, with the time limit of calls of the folder or another one. Closed when the test ends. */
  open(callTimeoutMs?: number): Store;
}

/**
 * The path of a data folder that does not exist yet, in a folder that is removed when the test ends. Without fsync by default, because other tests use
 * the same disk; with a long time limit of calls, because other processes may use all cores.
 */
export async function sqliteFolder(
  t: ExecutionContext,
  { fsync = false, callTimeoutMs = PATIENCE_MS } = {},
): Promise<SqliteFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-state-'));
  const dataDir = join(folder, 'site', '.nexthop');
  const stores: Store[] = [];
  const logged: string[] = [];
  t.teardown(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await rm(folder, { recursive: true, force: true });
  });
  return {
    dataDir,
    file: join(dataDir, 'state.db'),
    logged,
    open: (timeoutMs = callTimeoutMs) => {
      const store = openSqliteStore({ dataDir, fsync, log: recordingLog(logged), callTimeoutMs: timeoutMs });
      stores.push(store);
      return store;
    },
  };
}

/** Resolves with the store when its thread runs. On a busy machine the start may take longer than the deadline of a call. */
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

/** A log that adds `level: message` to `logged`. */
export function recordingLog(logged: string[]): Log {
  const record = (level: string) => (message: string) => void logged.push(`${level}: ${message}`);
  return {
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    access() {},
    reopen() {},
    async close() {},
  };
}
