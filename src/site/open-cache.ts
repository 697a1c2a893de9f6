import { Cache } from '../cache/cache.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import { withTimeout } from '../contract/with-timeout.ts';
import type { SharedState } from './shared-state.ts';
import type { Site } from './site.ts';

/** The cache that the settings describe; undefined if they switch it off. */
export function openCache(config: Config, log: Log, { bans, tier }: SharedState): Cache | undefined {
  const { CACHE, CACHE_MEMORY, CACHE_OBJECT_LIMIT, CACHE_DISK, REDIS_URL } = config;
  if (CACHE === 'off' || CACHE_MEMORY === 0) return undefined;
  const hasTier = CACHE_DISK > 0 || REDIS_URL !== undefined;
  const shared = hasTier ? { tier, log } : undefined;
  return new Cache({ memoryBytes: CACHE_MEMORY, objectBytes: CACHE_OBJECT_LIMIT, bans, shared });
}

/** Longest wait at start for the purges that other processes have made. */
const WARM_MS = 1000;

/** Opens the store of the cache if it may have entries: a look-up has 50 ms, and the first one would have to open it. Never rejects. */
export async function warmCache(cache: Cache | undefined, { bans }: SharedState, { routes }: Site): Promise<void> {
  if (!cache?.isShared || routes.every(({ target }) => target.isFile)) return;
  // A store that is away says so itself, and makes look-ups misses.
  await withTimeout(WARM_MS, bans.know()).catch(() => false);
}
