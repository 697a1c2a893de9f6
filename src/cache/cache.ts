import type { Bans, CacheRule, WithCache } from '../contract/cache.ts';
import type { Fallback } from '../contract/target.ts';
import { Answers } from './answers.ts';
import { CachedTarget } from './cached-target.ts';
import type { RunFor } from './target-call.ts';

export interface CacheOptions {
  /** Of all entries in the memory of this process. */
  readonly memoryBytes: number;
  /** Of one body. */
  readonly objectBytes: number;
  readonly bans: Bans;
}

/** The cache for one version of a site. */
export interface SiteCache {
  readonly withCache: WithCache;
  /** Another version is in use: removes the entries of this one. */
  close(): void;
}

/** Responses of functions, and of the next hop if the operator wants it, that the process keeps to answer further requests (docs/cache.md). */
export class Cache {
  readonly #answers: Answers;

  constructor(options: CacheOptions) {
    this.#answers = new Answers(options);
  }

  /** `run`: runs code of the site for an exchange. */
  openSite(run: RunFor): SiteCache {
    const answers = this.#answers;
    const version = answers.openVersion();
    return {
      withCache: (target, rule) => new CachedTarget({ target, rule, answers, version, run, isOfManyPages: false }),
      close: () => answers.closeVersion(version),
    };
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

const OF_HOP: CacheRule = { fields: 'all', names: 'nexthop', isOrigin: true };
