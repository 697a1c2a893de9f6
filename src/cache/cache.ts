import type { Bans, CacheRule, CacheTier, WithCache } from '../contract/cache.ts';
import { Fault } from '../contract/fault.ts';
import type { Log } from '../contract/log.ts';
import type { Fallback } from '../contract/target.ts';
import { Answers, type ListedAnswer } from './answers.ts';
import { SiteCaches } from './api/site-caches.ts';
import { CachedTarget } from './cached-target.ts';
import { DurableCopies } from './durable-copies.ts';
import { DurableEntries } from './durable-entries.ts';
import type { RunFor } from './target-call.ts';

export interface CacheOptions {
  /** Of all entries in the memory of this process. */
  readonly memoryBytes: number;
  /** Of one body. */
  readonly objectBytes: number;
  readonly bans: Bans;
  /** Default: no entry outlives the process. */
  readonly shared?: SharedTier | undefined;
}

/** Where entries outlive the process. */
export interface SharedTier {
  readonly tier: CacheTier;
  readonly log: Log;
}

export interface SiteCacheParts {
  /** Runs code of the site for an exchange. */
  readonly run: RunFor;
  /** Names the version of the site, the same for all processes that serve it. Called at the first use. */
  readonly findVersion: () => Promise<string>;
}

/** The cache for one version of a site. */
export interface SiteCache {
  readonly withCache: WithCache;
  /** For the Cache API. Undefined if no entry outlives the process. */
  readonly caches: SiteCaches | undefined;
  /** Another version is in use: removes the entries of this one. */
  close(): void;
}

/** Responses of functions, and of the next hop if the operator wants it, that the process keeps to answer further requests (docs/cache.md). */
export class Cache {
  readonly #answers: Answers;
  readonly #shared: SharedTier | undefined;

  constructor({ shared, ...options }: CacheOptions) {
    this.#answers = new Answers(options);
    this.#shared = shared;
  }

  /** Entries of other processes, or of earlier ones, may be found. */
  get isShared(): boolean {
    return this.#shared?.tier.isUsed ?? false;
  }

  /** Bytes of all entries in the memory of this process. */
  get memoryBytes(): number {
    return this.#answers.memoryBytes;
  }

  openSite({ run, findVersion }: SiteCacheParts): SiteCache {
    const answers = this.#answers;
    const { bans, objectBytes } = answers;
    const version = answers.openVersion();
    const entries = this.#shared && toEntries(this.#shared, bans, findVersion);
    return {
      withCache(target, rule) {
        const durable = entries && new DurableCopies({ entries, answers, version, rule });
        return new CachedTarget({ target, rule, answers, version, run, durable, isOfManyPages: false });
      },
      caches: this.#shared && entries && new SiteCaches({ entries, bans, objectBytes, log: this.#shared.log }),
      close: () => answers.closeVersion(version),
    };
  }

  /** What is in the memory of this process, the last used first; at most `most`. */
  list(most: number): readonly ListedAnswer[] {
    return this.#answers.list(most);
  }

  /** The fallback with a cache, for the responses of the next hop. It stays when the site changes. */
  withFallback(fallback: Fallback): Fallback {
    const answers = this.#answers;
    const run: RunFor = (_exchange, work) => work();
    const version = answers.openVersion();
    const cached = new CachedTarget({ target: fallback, rule: OF_HOP, answers, version, run, isOfManyPages: true });
    return Object.assign(cached, {
      ...(fallback.answerUnlessMissing && { answerUnlessMissing: fallback.answerUnlessMissing.bind(fallback) }),
    });
  }
}

/** A store that is away says so itself. */
function toEntries({ tier, log }: SharedTier, bans: Bans, findVersion: () => Promise<string>): DurableEntries {
  const onFailure = (error: unknown): void => {
    if (!(error instanceof Fault)) log.error('a response could not be written to the durable cache', { error });
  };
  return new DurableEntries({ tier, bans, findVersion, onFailure });
}

const OF_HOP: CacheRule = { fields: 'all', names: 'nexthop', isOrigin: true };
