import type { Config } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './redis/open.ts';
import { openSqliteStore } from './sqlite/open.ts';

/**
 * Opens the store that the settings name: Redis if there is a REDIS_URL, else the embedded one in
 * DATA_DIR. The caller closes it.
 */
export function openStore(
  config: Pick<Config, 'REDIS_URL' | 'REDIS_PREFIX' | 'DATA_DIR' | 'STORE_FSYNC'>,
  log: Log,
): Store {
  return config.REDIS_URL
    ? openRedisStore({ endpoint: config.REDIS_URL, prefix: config.REDIS_PREFIX, log })
    : openSqliteStore({ dataDir: config.DATA_DIR, fsync: config.STORE_FSYNC, log });
}
