import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Log } from '../../contract/log.ts';
import type { StoreObserver } from '../../contract/metrics.ts';
import type { Store } from '../../contract/store.ts';
import { adviseOnce } from './advice.ts';
import { RedisBlobs } from './blobs.ts';
import { RedisCache } from './cache.ts';
import { Connection } from './connection.ts';
import { RedisKv } from './kv.ts';
import { RedisLimiter } from './limiter.ts';
import { RedisQueue } from './queue.ts';
import { WakeUp } from './wake-up.ts';

export interface RedisStoreSetup {
  readonly endpoint: RedisEndpoint;
  /**
   * All keys begin with it. Processes with the same prefix share jobs and values. Must not contain
   * braces.
   */
  readonly prefix: string;
  readonly log: Log;
  /** Time limit of a call, including the wait for a connection. Default: CALL_TIMEOUT_MS. */
  readonly callTimeoutMs?: number | undefined;
  readonly observer?: StoreObserver | undefined;
}

/**
 * Opens a store on Redis. Returns at once: the client connects by itself, now and after each loss
 * of the connection.
 */
export function openRedisStore({ endpoint, prefix, log, callTimeoutMs, observer }: RedisStoreSetup): Store {
  const root = `{${prefix}}`;
  const connection = new Connection(endpoint, log, callTimeoutMs, observer);
  const wakeUp = new WakeUp({ endpoint, channel: `${root}:pushed`, log, delays: 'jobs of other processes' });
  const cacheRoot = `{${prefix}:/cache}`;
  const banned = new WakeUp({ endpoint, channel: `${cacheRoot}:banned`, log, delays: 'purges by other processes' });
  adviseOnce(connection, root, log);
  return {
    queue: new RedisQueue(connection, root, wakeUp),
    // The encoding ensures that no namespace contains a brace or a colon, so the keys of two
    // namespaces cannot collide.
    kv: (namespace) => new RedisKv(connection, `{${prefix}:${encodeURIComponent(namespace.toWellFormed())}}`),
    blobs: (limits) => new RedisBlobs(connection, `{${prefix}:/blobs}`, limits),
    cache: () => new RedisCache(connection, cacheRoot, banned),
    // Containers of one site have the same password, and it is not stored in Redis.
    limiter: new RedisLimiter(connection, prefix, `${prefix} ${endpoint.password ?? ''}`),
    async close() {
      await Promise.all([wakeUp.close(), banned.close(), connection.close()]);
    },
  };
}
