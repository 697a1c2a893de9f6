import type { Bans, CachePeers, CacheRule, CacheTier, WithCache } from '../contract/cache.ts';
import { Fault } from '../contract/fault.ts';
import type { Log } from '../contract/log.ts';
import type { CacheUse } from '../contract/metrics.ts';
import type { Fallback, Target } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import { Answers, type ListedAnswer } from './answers.ts';
import { SiteCaches } from './api/site-caches.ts';
import { CachedTarget } from './cached-target.ts';
import { DurableCopies } from './durable-copies.ts';
import { DurableEntries } from './durable-entries.ts';
import { StoringAdvice } from './storing-advice.ts';
import type { RunFor } from './target-call.ts';

export interface CacheOptions {
  /** Of all entries in the memory of this process. */
  readonly memoryBytes: number;
  /** Of one body. */
  readonly objectBytes: number;
  readonly bans: Bans;
  readonly log: Pick<Log, 'warn'>;
  /** Workers with caches of their own. Default: none. */
  readonly peers?: CachePeers | undefined;
  /** Default: no entry outlives the process. */
  readonly shared?: SharedTier | undefined;
  readonly tracer?: Tracer | undefined;
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
  readonly #tracer: Tracer | undefined;
  readonly #advice: StoringAdvice;

  constructor({ shared, tracer, log, ...options }: CacheOptions) {
    this.#advice = new StoringAdvice(log);
    this.#answers = new Answers(options);
    this.#shared = shared;
    this.#tracer = tracer;
  }

  /** Entries of other processes, or of earlier ones, may be found. */
  get isShared(): boolean {
    return this.#shared?.tier.isUsed ?? false;
  }

  get use(): CacheUse {
    const { memoryBytes: bytes, evictions } = this.#answers;
    return { bytes, evictions, durableBytes: async () => this.#shared?.tier.bytes() };
  }

  openSite({ run, findVersion }: SiteCacheParts): SiteCache {
    const answers = this.#answers;
    const tracer = this.#tracer;
    const advice = this.#advice;
    const { bans, objectBytes } = answers;
    const version = answers.openVersion();
    const entries = this.#shared && toEntries(this.#shared, bans, findVersion);
    return {
      withCache(uncached, rule) {
        const target = tracer ? toTraced(uncached, tracer) : uncached;
        const durable =
          entries && !rule.ignoresDurable ? new DurableCopies({ entries, answers, version, rule }) : undefined;
        const parts = { target, rule, answers, version, run, durable, advice, tracer };
        return new CachedTarget({ ...parts, isOfManyPages: false });
      },
      caches: this.#shared && entries && new SiteCaches({ entries, bans, objectBytes, log: this.#shared.log }),
      close: () => answers.closeVersion(version),
    };
  }

  /** What is in the memory of this process, the URLs that were stored last first; at most `most`. */
  list(most: number): readonly ListedAnswer[] {
    return this.#answers.list(most);
  }

  /** The fallback with a cache, for the responses of the next hop. It stays when the site changes. */
  withFallback(fallback: Fallback): Fallback {
    const answers = this.#answers;
    const run: RunFor = (_exchange, work) => work();
    const version = answers.openVersion();
    const parts = { target: fallback, rule: OF_HOP, answers, version, run, isOfManyPages: true };
    const cached = new CachedTarget({ ...parts, tracer: this.#tracer });
    return Object.assign(cached, {
      ...(fallback.answerUnlessMissing && { answerUnlessMissing: fallback.answerUnlessMissing.bind(fallback) }),
    });
  }
}

/** The target with a span for each of its calls. */
function toTraced(target: Target, tracer: Tracer): Target {
  const { name } = target;
  return { name, answer: (exchange, params) => tracer.run(exchange, () => target.answer(exchange, params)) };
}

/** A store that is away says so itself. */
function toEntries({ tier, log }: SharedTier, bans: Bans, findVersion: () => Promise<string>): DurableEntries {
  const onFailure = (error: unknown): void => {
    if (!(error instanceof Fault))
      log.error('a response could not be written to the durable cache and is only in memory', { error });
  };
  return new DurableEntries({ tier, bans, findVersion, onFailure });
}

const OF_HOP: CacheRule = { fields: 'all', names: 'nexthop', isOrigin: true };
