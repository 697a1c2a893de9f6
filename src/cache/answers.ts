import { LRUCache } from 'lru-cache';
import type { Bans, CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Flight } from './flight.ts';
import type { Freshness, KeptAnswer } from './kept-answer.ts';
import { Memory } from './memory.ts';
import type { StorableResponse } from './policy/storable-response.ts';
import type { Variation } from './policy/variation.ts';
import { acceptsCoding, toPrimaryKey, toVariantKey } from './request-key.ts';

export interface AnswersOptions {
  /** Of all entries in memory. */
  readonly memoryBytes: number;
  /** Of one body. */
  readonly objectBytes: number;
  readonly bans: Bans;
}

/** Where the entries of a request are. */
export interface Place {
  /** With the version of the site. */
  readonly primaryKey: string;
  /** Of the URL for all versions of the site. */
  readonly urlKey: string;
  readonly variantKey: string;
  /** Undefined if no response of this URL is known. */
  readonly variation: Variation | undefined;
  readonly kept: KeptAnswer | undefined;
}

/** A stored response, for people. */
export interface ListedAnswer {
  /** With its query, as far as that tells variants apart. */
  readonly url: string;
  /** The target whose response it is. */
  readonly target: string;
  readonly status: number;
  readonly freshness: Freshness;
  readonly ageMs: number;
  /** Milliseconds until it is stale; negative: since then. */
  readonly leftMs: number;
  readonly bytes: number;
  readonly tags: readonly string[];
}

/** How a URL is found that stays valid for each version of the site. */
const ALL_VERSIONS = '~';

const WHOLE_QUERY: Variation = { query: 'all', headers: [], cookies: [], languages: [], countries: [] };

/** How long requests for an entry that cannot be stored go to the target at once, without waiting for each other. */
const PASS_MS = 2000;
const MOST_PASSES = 10_000;

/** The stored responses, the requests in flight whose responses may be stored, and the URLs for which that is not tried. */
export class Answers {
  readonly bans: Bans;
  readonly objectBytes: number;
  readonly flights = new Map<string, Flight>();
  readonly #memory: Memory;
  readonly #passes = new LRUCache<string, true>({ max: MOST_PASSES, ttl: PASS_MS });
  #versions = 0;

  constructor({ memoryBytes, objectBytes, bans }: AnswersOptions) {
    this.bans = bans;
    this.objectBytes = objectBytes;
    this.#memory = new Memory({ totalBytes: memoryBytes });
  }

  /** Bytes of all entries in memory. */
  get memoryBytes(): number {
    return this.#memory.size;
  }

  get isEmpty(): boolean {
    return this.#memory.isEmpty;
  }

  /** A name for the entries of a new version of the site. It finds none of those before. */
  openVersion(): string {
    this.#versions++;
    return `${this.#versions}|`;
  }

  /** Removes the entries of a version. */
  closeVersion(version: string): void {
    this.#memory.dropAll(version);
  }

  /** What is in memory, the last used first; at most `most`. */
  list(most: number): readonly ListedAnswer[] {
    const nowMs = this.bans.nowMs();
    const listed: ListedAnswer[] = [];
    for (const [primaryKey, { variants }] of this.#memory.list()) {
      for (const [variantKey, kept] of variants) {
        if (listed.length === most) return listed;
        listed.push(toListed(primaryKey, variantKey, kept, nowMs));
      }
    }
    return listed;
  }

  find(exchange: Exchange, version: string, rule: CacheRule): Place {
    const urlKey = toPrimaryKey(exchange);
    let primaryKey = version + urlKey;
    let url = this.#memory.find(primaryKey);
    if (!url) {
      url = this.#memory.find(ALL_VERSIONS + urlKey);
      if (url) primaryKey = ALL_VERSIONS + urlKey;
    }
    const variation = url?.variation;
    const variantKey = toVariantKey(exchange, variation ?? WHOLE_QUERY, rule);
    const kept = url?.variants.get(variantKey);
    return {
      primaryKey,
      urlKey,
      variantKey,
      variation,
      kept: kept && this.#isUsable(exchange, kept, { primaryKey, variantKey }) ? kept : undefined,
    };
  }

  /** False if the memory has no room. */
  keep(exchange: Exchange, kept: KeptAnswer, { version, urlKey, storable, rule }: Keeping): boolean {
    const { variation, customId } = storable;
    const primaryKey = (customId === undefined ? version : ALL_VERSIONS) + urlKey;
    const toKey = (all: Variation): string => toVariantKey(exchange, all, rule);
    this.bans.watch();
    const isKept = this.#memory.keep(primaryKey, { kept, variation, toKey, nowMs: this.bans.nowMs() });
    // An entry of this version would hide it.
    if (isKept && customId !== undefined) this.#memory.dropUrl(version + urlKey);
    return isKept;
  }

  drop({ primaryKey, variantKey, kept }: Place): void {
    if (kept) this.#memory.drop(primaryKey, variantKey, kept);
  }

  /** A request has changed what is at a URL. `urlKey`: see `Place`. */
  invalidate(urlKey: string, version: string): void {
    this.#memory.dropUrl(version + urlKey);
    this.#memory.dropUrl(ALL_VERSIONS + urlKey);
    for (const flight of this.flights.values()) if (flight.urlKey === urlKey) flight.isOutdated = true;
  }

  /** Responses for this entry are not stored now. */
  isPassed(key: string): boolean {
    return this.#passes.has(key);
  }

  pass(key: string): void {
    this.#passes.set(key, true);
  }

  unpass(key: string): void {
    this.#passes.delete(key);
  }

  #isUsable(
    { request }: Exchange,
    kept: KeptAnswer,
    { primaryKey, variantKey }: Pick<Place, 'primaryKey' | 'variantKey'>,
  ): boolean {
    const { tags, askedAtMs } = kept.entry;
    if (this.bans.isBanned(tags, askedAtMs)) {
      this.#memory.drop(primaryKey, variantKey, kept);
      return false;
    }
    const { contentEncoding } = kept;
    if (contentEncoding === '' || contentEncoding === 'identity' || !kept.variesByCoding) return true;
    // Variants are distinguished by the best coding of the client; the target may have chosen another one.
    return acceptsCoding(request.get('accept-encoding'), contentEncoding);
  }
}

export interface Keeping {
  readonly version: string;
  readonly urlKey: string;
  readonly storable: Pick<StorableResponse, 'variation' | 'customId'>;
  readonly rule: CacheRule;
}

function toListed(primaryKey: string, variantKey: string, kept: KeptAnswer, nowMs: number): ListedAnswer {
  const [target = '', query = ''] = variantKey.split('\n');
  const { status, body, tags } = kept.entry;
  return {
    // The key begins with the version of the site.
    url: primaryKey.replace(/^(?:\d+\||~)/, '') + query,
    target,
    status,
    freshness: kept.freshness(nowMs),
    ageMs: kept.ageMs(nowMs),
    leftMs: kept.leftMs(nowMs),
    bytes: body.length,
    tags,
  };
}
