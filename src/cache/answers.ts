import { createHash } from 'node:crypto';
import type { Bans, CachePeers, CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import { CollectingRoom } from './collecting-room.ts';
import type { Flight, Running } from './flight.ts';
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
  /** Default: there are none. */
  readonly peers?: CachePeers | undefined;
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
const LONGEST_PASS = 200;

/** The stored responses, the requests in flight whose responses may be stored, and the URLs for which that is not tried. */
export class Answers {
  readonly bans: Bans;
  readonly objectBytes: number;
  readonly flights = new Map<string, Flight>();
  /** For bodies that will be stored. */
  readonly room: CollectingRoom;
  readonly #memory: Memory;
  /** By short key: the end of PASS_MS, by the clock of the bans. */
  readonly #passes = new Map<string, number>();
  readonly #running = new Set<Running>();
  readonly #peers: CachePeers | undefined;
  /** Of the versions in use. */
  readonly #versions = new Set<string>([ALL_VERSIONS]);
  #lastVersion = 0;
  #isStoring = false;
  #arePeersStoring = false;

  constructor({ memoryBytes, objectBytes, bans, peers }: AnswersOptions) {
    this.bans = bans;
    this.objectBytes = objectBytes;
    this.room = new CollectingRoom(Math.max(memoryBytes, objectBytes));
    this.#memory = new Memory({ totalBytes: memoryBytes });
    this.#peers = peers;
    peers?.onCacheNews({
      storing: () => {
        this.#arePeersStoring = true;
      },
      changed: (urlKey) => this.#drop(urlKey),
    });
  }

  /** False only if there surely is no entry, and none on its way, in the memory of any of the workers. */
  get mayHaveEntries(): boolean {
    return !this.#memory.isEmpty || this.#running.size > 0 || this.#arePeersStoring;
  }

  /** Bytes of all entries in memory. */
  get memoryBytes(): number {
    return this.#memory.size;
  }

  /** See Memory. */
  get evictions(): number {
    return this.#memory.evictions;
  }

  get isEmpty(): boolean {
    return this.#memory.isEmpty;
  }

  /** A name for the entries of a new version of the site. It finds none of those before. */
  openVersion(): string {
    this.#lastVersion++;
    const version = `${this.#lastVersion}|`;
    this.#versions.add(version);
    return version;
  }

  /** Removes the entries of a version. */
  closeVersion(version: string): void {
    this.#versions.delete(version);
    this.#memory.dropAll(version);
  }

  /** What is in memory, the URLs that were stored last first; at most `most`. */
  list(most: number): readonly ListedAnswer[] {
    const nowMs = this.bans.nowMs();
    const listed: ListedAnswer[] = [];
    for (const [primaryKey, { variants }] of this.#memory.list()) {
      for (const { variantKey, kept } of variants.values()) {
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
    const kept = url?.variants.get(variantKey)?.kept;
    return {
      primaryKey,
      urlKey,
      variantKey,
      variation,
      kept: kept && this.#isUsable(exchange, kept, { primaryKey, variantKey }) ? kept : undefined,
    };
  }

  /** False if the memory has no room, or the version is not in use any more. */
  keep(exchange: Exchange, kept: KeptAnswer, { version, urlKey, storable, rule }: Keeping): boolean {
    const { variation, customId } = storable;
    // A call may last longer than the version of the site that it belongs to.
    if (customId === undefined && !this.#versions.has(version)) return false;
    const primaryKey = (customId === undefined ? version : ALL_VERSIONS) + urlKey;
    const toKey = (all: Variation): string => toVariantKey(exchange, all, rule);
    this.bans.watch();
    if (!this.#isStoring) this.#peers?.shareStoring();
    this.#isStoring = true;
    const isKept = this.#memory.keep(primaryKey, { kept, variation, toKey });
    // An entry of this version would hide it.
    if (isKept && customId !== undefined) this.#memory.dropUrl(version + urlKey);
    return isKept;
  }

  drop({ primaryKey, variantKey, kept }: Place): void {
    if (kept) this.#memory.drop(primaryKey, variantKey, kept);
  }

  /** From now on a change of its URL marks it. */
  begin(running: Running): void {
    this.#running.add(running);
  }

  /** Idempotent. */
  end(running: Running): void {
    this.#running.delete(running);
  }

  /** A request has changed what is at a URL: its entries are dropped in all workers. `urlKey`: see `Place`. */
  invalidate(urlKey: string): void {
    this.#drop(urlKey);
    this.#peers?.shareChange(urlKey);
  }

  /** Responses for this entry are not stored now. */
  isPassed(key: string): boolean {
    if (this.#passes.size === 0) return false;
    const shortKey = toShortKey(key);
    const untilMs = this.#passes.get(shortKey);
    if (untilMs === undefined) return false;
    if (this.bans.nowMs() < untilMs) return true;
    this.#passes.delete(shortKey);
    return false;
  }

  pass(key: string): void {
    // Without them, requests wait for each other once more.
    if (this.#passes.size >= MOST_PASSES) this.#passes.clear();
    this.#passes.set(toShortKey(key), this.bans.nowMs() + PASS_MS);
  }

  unpass(key: string): void {
    this.#passes.delete(toShortKey(key));
  }

  #drop(urlKey: string): void {
    for (const version of this.#versions) this.#memory.dropUrl(version + urlKey);
    for (const running of this.#running) if (running.urlKey === urlKey) running.isOutdated = true;
  }

  #isUsable(
    { request, passes }: Exchange,
    kept: KeptAnswer,
    { primaryKey, variantKey }: Pick<Place, 'primaryKey' | 'variantKey'>,
  ): boolean {
    const { tags, askedAtMs } = kept.entry;
    if (this.bans.isBanned(tags, askedAtMs)) {
      this.#memory.drop(primaryKey, variantKey, kept);
      return false;
    }
    if (kept.entry.passes > passes) return false;
    const { contentEncoding } = kept;
    if (contentEncoding === '' || contentEncoding === 'identity' || !kept.variesByCoding) return true;
    // Variants are distinguished by the best coding of the client; the target may have chosen another one.
    return acceptsCoding(request.get('accept-encoding'), contentEncoding);
  }
}

/** A client chooses how long a URL is. */
function toShortKey(key: string): string {
  return key.length > LONGEST_PASS ? createHash('sha256').update(key).digest('base64url') : key;
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
