import { randomUUID } from 'node:crypto';
import { Cache, type SiteCache } from '../cache/cache.ts';
import type { Config } from '../config/config.ts';
import type { CachePeers } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import type { Purging } from '../contract/purging.ts';
import { type Limiter, toRefusal } from '../contract/rate-limit.ts';
import type { Answer } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import { withTimeout } from '../contract/with-timeout.ts';
import { currentCode, runFor } from '../process/site-calls.ts';
import { BanTable } from '../stores/ban-table.ts';
import { SharedTier } from '../stores/cache-tier.ts';
import { LazyStore } from '../stores/lazy-store.ts';
import { openStore } from '../stores/open.ts';
import { prepareCaches } from './offer-caches.ts';
import type { Site } from './site.ts';
import { findSiteVersion } from './site-version.ts';

/** What this process shares with others that serve the same site. Nothing of it is opened before its first use. */
export interface SharedState {
  readonly store: LazyStore;
  readonly bans: BanTable;
  readonly tier: SharedTier;
  readonly purging: Purging;
  /** Call it after the last use. */
  close(): Promise<void>;
}

/** `options` are those of the store. */
export function openSharedState(config: Config, log: Log, options?: Parameters<typeof openStore>[2]): SharedState {
  const store = new LazyStore(() => openStore(config, log, options));
  const cacheStore = store.cache(config.CACHE_DISK);
  const bans = new BanTable(cacheStore);
  return {
    store,
    bans,
    tier: new SharedTier(cacheStore, bans),
    purging: { token: randomUUID(), purge: (tags) => bans.ban(tags) },
    async close() {
      bans.close();
      await store.close();
    },
  };
}

/** As the platform counts them: for each tag, and for all tags together. */
const PURGE_WINDOW_MS = 5000;

/** Refuses purges with `rate_limited` above `most` of one tag, or of everything, in five seconds. 0: none. */
export function limitPurges(purging: Purging, limiter: Limiter, most: number): Purging {
  if (most === 0) return purging;
  const rule = { id: 'purge', name: 'purge', limit: most, windowMs: PURGE_WINDOW_MS, by: [] };
  return {
    token: purging.token,
    async purge(tags) {
      const names = tags === 'everything' ? [''] : tags.map((tag) => tag.trim().toLowerCase());
      for (const name of new Set(names)) {
        const take = await limiter.take(rule, name);
        if (!take.isAllowed) throw toRefusal(rule, take);
      }
      return purging.purge(tags);
    },
  };
}

interface CacheUsers {
  readonly log: Log;
  readonly peers?: CachePeers | undefined;
  readonly tracer?: Tracer | undefined;
}

/** The cache that the settings describe; undefined if they switch it off. */
export function openCache(
  config: Config,
  { log, peers, tracer }: CacheUsers,
  { bans, tier }: SharedState,
): Cache | undefined {
  const { CACHE, CACHE_MEMORY, CACHE_OBJECT_LIMIT, CACHE_DISK, REDIS_URL } = config;
  if (CACHE === 'off' || CACHE_MEMORY === 0) return undefined;
  const hasTier = CACHE_DISK > 0 || REDIS_URL !== undefined;
  const shared = hasTier ? { tier, log } : undefined;
  const memory = { memoryBytes: CACHE_MEMORY, objectBytes: CACHE_OBJECT_LIMIT };
  return new Cache({ ...memory, bans, peers, log, shared, tracer });
}

/** Longest wait at start for the purges that other processes have made. */
const WARM_MS = 1000;

/** Opens the store of the cache if it may have entries: a look-up has 50 ms, and the first one would have to open it. Never rejects. */
export async function warmCache(cache: Cache | undefined, { bans }: SharedState, { routes }: Site): Promise<void> {
  // The look at the store opens it: not for a site without code.
  if (!routes.some(({ code }) => code) || !cache?.isShared) return;
  // A store that is away says so itself, and makes look-ups misses.
  await withTimeout(WARM_MS, bans.know()).catch(() => false);
}

interface OpenedSiteCache {
  readonly cache: SiteCache | undefined;
  /** Of the files as they are when it is first called. */
  readonly findVersion?: () => Promise<string>;
}

/** Opens the part of the cache that one reading of the site uses. */
export function openSiteCache(cache: Cache | undefined, { site, DATA_DIR, LOG_DIR }: Config): OpenedSiteCache {
  if (!cache) return { cache };
  prepareCaches();
  const folder = { root: site, ignored: [DATA_DIR, LOG_DIR], readAtMs: Date.now() };
  let version: Promise<string> | undefined;
  const findVersion = (): Promise<string> => {
    version ??= findSiteVersion(folder);
    return version;
  };
  const run = (exchange: Exchange, work: () => Answer): Answer => runFor(exchange, work, currentCode());
  return { cache: cache.openSite({ run, findVersion }), findVersion };
}
