import { join } from 'node:path';
import type { BanNews } from '../../contract/cache-store.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import type { Store } from '../../contract/store.ts';
import { SqliteBlobs } from './blobs.ts';
import { SqliteCache } from './cache.ts';
import type { CacheVerbs } from './cache-steps.ts';
import { SqliteKv, SqliteQueue } from './queue.ts';
import { StateThread } from './state-thread.ts';

/**
 * The name of the database in the data folder. The names of SQLite's additional files begin with
 * it.
 */
export const STATE_FILE = 'state.db';

/** The folder in the data folder with the bodies of blobs that are too long for the database. */
export const BLOB_FOLDER = 'blobs';

/** The database of the cache in the data folder. It may be removed at any time. */
export const CACHE_FILE = 'cache.db';

export interface SqliteSetup {
  /** Created when the store is first used. */
  readonly dataDir: string;
  /** Without it, stored data survives the process, but maybe not a loss of power. */
  readonly fsync: boolean;
  readonly log: Log;
  /** Time limit of a call. Default: CALL_TIMEOUT_MS. */
  readonly callTimeoutMs?: number | undefined;
  readonly observer?: StoreObserver | undefined;
}

/**
 * The embedded store. It opens no file and starts no thread before its first use. Several processes
 * may use the same folder.
 */
export function openSqliteStore({ dataDir, fsync, log, callTimeoutMs, observer }: SqliteSetup): Store {
  const thread = new StateThread({
    file: join(dataDir, STATE_FILE),
    fsync,
    log,
    onChange: () => queue.announce(),
    callTimeoutMs,
    observer,
  });
  const queue = new SqliteQueue(thread);
  let cacheThread: StateThread<CacheVerbs> | undefined;
  return {
    queue,
    kv: (namespace) => new SqliteKv(thread, namespace),
    blobs: (limits) => new SqliteBlobs({ thread, folder: join(dataDir, BLOB_FOLDER), fsync, limits }),
    cache(cacheBytes) {
      const file = join(dataDir, CACHE_FILE);
      cacheThread = new StateThread<CacheVerbs>({
        file,
        fsync,
        cacheBytes,
        log,
        onChange: (news) => cache.announce(news as BanNews | undefined), // of cacheSteps
        callTimeoutMs,
        observer,
      });
      const cache = new SqliteCache(cacheThread, file);
      return cache;
    },
    async close() {
      await Promise.all([thread.close(), cacheThread?.close()]);
    },
  };
}
