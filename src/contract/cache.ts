import type { Exchange } from './exchange.ts';
import type { Route } from './route.ts';
import type { Target } from './target.ts';

/** Which header fields of a target's responses let the cache store them, and how the cache names itself to their client. */
export interface CacheRule {
  /** 'all': also `Cache-Control`. 'targeted': only the fields for CDN caches, because authors wrote `Cache-Control` for browsers. */
  readonly fields: 'all' | 'targeted';
  /** `Cache-Status` has the names of the platform's caches, which its packages parse. */
  readonly names: 'netlify' | 'nexthop';
  /** The target is another HTTP server: `Expires` counts without `Cache-Control`, and what is `no-cache` is stored to be revalidated. */
  readonly isOrigin?: boolean;
  /** Sets the platform's id of a request that the cache answers in place of the target. */
  readonly identify?: (exchange: Exchange) => void;
  /** `Expires` counts without `Cache-Control`. For an origin it does in any case. */
  readonly readsExpires?: boolean;
  /** `durable` has no effect. */
  readonly ignoresDurable?: boolean;
  /** Whether the target made the response of this exchange. One that it has passed on is neither stored nor changed. Default: always. */
  readonly isOwn?: (exchange: Exchange) => boolean;
  /** The country of the client, two letters in any case, or '' if it is unknown. For `Netlify-Vary: country`. */
  readonly findCountry?: (exchange: Exchange) => string;
}

/** What the cache did with a request, for metrics. 'pass': the response may not be stored. */
export type CacheResult = NonNullable<Exchange['cacheResult']>;

/** Answers from the cache in place of a target, where it may. */
export type WithCache = (target: Target, rule: CacheRule) => Target;

const ONLY_TARGETED: CacheRule = { fields: 'targeted', names: 'nexthop' };

/** The routes with the cache in front of their targets, for platforms without a cache for functions. `withCache`: undefined if nothing is cached. */
export function toCachedRoutes(routes: readonly Route[], withCache: WithCache | undefined): readonly Route[] {
  return withCache ? routes.map((route) => ({ ...route, target: withCache(route.target, ONLY_TARGETED) })) : routes;
}

/** A response in the cache. Times are in milliseconds since the epoch by `Bans.nowMs`; in the store, by the shared clock. */
export interface CacheEntry {
  readonly status: number;
  /** Flat, as the target wrote them, with a Date, and without those of one response only: ids of the request, Age, headers of the connection. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The tags and custom ids by which it is purged, in lower case. */
  readonly tags: readonly string[];
  /** The start of the request that it answers: a purge after it makes the entry invalid, also if the response was computed before. */
  readonly askedAtMs: number;
  /** The time at which it was new: when its head was received, minus the age that it had then. */
  readonly bornAtMs: number;
  /** It is fresh for this time after `bornAtMs`. */
  readonly lifetimeMs: number;
  /** It may be used for this time after its lifetime, while it is revalidated; 0: it may not. */
  readonly staleWhileRevalidateMs: number;
  /** The same for the case that its target fails. */
  readonly staleIfErrorMs: number;
  /** It is stored in the durable tier, too. */
  readonly isDurable: boolean;
  /**
   * `Exchange.passes` of the request that it answers. It answers no request with fewer: a client chooses this number, and from `LOOP_LIMIT` on, what a page fetches of its own host
   * fails, so that the page may lack it.
   */
  readonly passes: number;
}

/** Which entries are purged. An entry is compared when it is read: there is no list of entries by tag that could lack one. */
export interface Bans {
  /** Milliseconds since the epoch by a clock of this process, which begins with the time of the machine and is never set afterwards. */
  nowMs(): number;
  /**
   * The same moment by the clock that all processes with these bans share, and that may be set. Undefined if it was set after that moment. Call it after `know`.
   */
  toSharedMs(ms: number): number | undefined;
  /** The other way round. May be in the future, if the shared clock was set back. */
  fromSharedMs(sharedMs: number): number;
  /** Whether one of the tags (in lower case), or everything, was purged at or after `askedAtMs`. Called for each use of an entry. */
  isBanned(tags: readonly string[], askedAtMs: number): boolean;
  /**
   * Whether an entry of this process that was asked for at `askedAtMs` may have been purged by another process more than 100 ms ago: the purges of others do not
   * arrive at the moment.
   */
  isInDoubt(askedAtMs: number): boolean;
  /** `isBanned` by the shared clock, for entries of the store. */
  isBannedInStore(tags: readonly string[], askedAtSharedMs: number): boolean;
  /** Resolves when the bans and the clock of the store are known. Rejects if it cannot be read. */
  know(): Promise<void>;
  /** Purges the tags (in any case), or everything. Resolves when no process uses such an entry any more. Holds in this process at once, also if it rejects. */
  ban(tags: readonly string[] | 'everything'): Promise<void>;
  /** Begins to receive the bans of other processes. Called when an entry is stored; further calls do nothing. */
  watch(): void;
}

/** The other processes of a supervisor, each with entries in its own memory. */
export interface CachePeers {
  /** This process stores entries: the others report changes of URLs from now on. */
  shareStoring(): void;
  /** A request has changed what is at a URL. `urlKey`: scheme, host and path. */
  shareChange(urlKey: string): void;
  /** One listener. */
  onCacheNews(listener: CacheNewsListener): void;
}

export interface CacheNewsListener {
  /** Some other process stores entries. */
  storing(): void;
  /** See `CachePeers.shareChange`. */
  changed(urlKey: string): void;
}

/**
 * Storage for entries that survive the process, which containers may share. Values are opaque and small enough for the memory. A call may reject, or take
 * long: the cache treats that as a miss and waits 50 ms at most.
 */
export interface CacheTier {
  /** False only if there surely is no entry. */
  readonly isUsed: boolean;
  /** Undefined if there is no such key, and as long as the bans are not known. Only a whole value, never a part of one. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Replaces the value. It may be removed after `keepMs`, and earlier to make room. `key`: at most 100 characters, letters, digits and `:-_`. */
  write(key: string, value: Uint8Array, keepMs: number): Promise<void>;
  /** Whether there were any; if not, nothing is written. */
  delete(keys: readonly string[]): Promise<boolean>;
  /** False if another process has locked the key less than its `leaseMs` ago, to compute its value. */
  lock(key: string, leaseMs: number): Promise<boolean>;
  /** Of all entries; undefined if they are not counted. */
  bytes(): Promise<number | undefined>;
}
