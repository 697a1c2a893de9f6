import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { BlobStorage } from '../contract/blob-storage.ts';
import type { Log } from '../contract/log.ts';
import type { StoreObserver } from '../contract/metrics.ts';
import type { Store } from '../contract/store.ts';
import { openRedisStore } from './redis/open.ts';
import { S3Blobs } from './s3/blobs.ts';
import { openSqliteStore } from './sqlite/open.ts';
import { UnfitBlobs } from './unfit-blobs.ts';

/**
 * Opens the store that the settings name: Redis if there is a REDIS_URL, else the embedded one in
 * DATA_DIR. The caller closes it. `callTimeoutMs`: time limit of a call; default: CALL_TIMEOUT_MS.
 */
export function openStore(
  config: Pick<Config, 'REDIS_URL' | 'REDIS_PREFIX' | 'DATA_DIR' | 'STORE_FSYNC'>,
  log: Log,
  {
    callTimeoutMs,
    observer,
  }: { readonly callTimeoutMs?: number | undefined; readonly observer?: StoreObserver | undefined } = {},
): Store {
  return config.REDIS_URL
    ? openRedisStore({ endpoint: config.REDIS_URL, prefix: config.REDIS_PREFIX, log, callTimeoutMs, observer })
    : openSqliteStore({ dataDir: config.DATA_DIR, fsync: config.STORE_FSYNC, log, callTimeoutMs, observer });
}

const UNSHARED =
  'REDIS_URL is set and the site uses blobs: each container would have its own blobs. Set BLOBS_S3 to a bucket, or BLOBS_REDIS=1 to store small ones in that Redis';

type BlobSettings = Pick<
  Config,
  'REDIS_URL' | 'BLOBS_S3' | 'BLOBS_REDIS' | 'BLOBS_OBJECT_LIMIT' | 'BLOBS_LIMIT' | 'DATA_DIR' | 'functionEnv'
>;

/**
 * Opens the storage for blobs that the settings name. It lives as long as the store.
 */
export function openBlobs(
  config: BlobSettings,
  store: Pick<Store, 'blobs'>,
  log: Log,
  observer?: StoreObserver,
): BlobStorage {
  const { BLOBS_S3: bucket, BLOBS_OBJECT_LIMIT: objectLimitBytes } = config;
  if (bucket) {
    const site = config.functionEnv.SITE_ID || 'site';
    return new S3Blobs({ bucket, site, folder: join(config.DATA_DIR, 'uploads'), objectLimitBytes, log, observer });
  }
  if (config.REDIS_URL && !config.BLOBS_REDIS) return new UnfitBlobs(UNSHARED);
  return store.blobs({ objectBytes: objectLimitBytes, totalBytes: config.BLOBS_LIMIT });
}
