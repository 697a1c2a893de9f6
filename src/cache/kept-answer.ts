import type { CacheEntry, CacheRule } from '../contract/cache.ts';
import { findHeader } from '../contract/header-list.ts';
import { withoutNames } from '../http/headers.ts';
import { toTimeMs } from '../http/http-time.ts';
import { PreparedHead } from '../http/prepared-head.ts';
import { findDecidingField } from './policy/deciding-field.ts';

/** Fields that control only this cache: no other cache and no client gets them. */
export const OWN_FIELDS: ReadonlySet<string> = new Set([
  'netlify-cdn-cache-control',
  'netlify-vary',
  'netlify-cache-tag',
  'netlify-cache-id',
]);

/** What the client may do with a response that has only targeted fields: the platform's own default. */
const DEFAULT_CACHE_CONTROL = 'public, max-age=0, must-revalidate';

/** Of the objects of an entry, and of each text in it: its header in memory, its places in lists. Measured (test/cache/memory-use.ts). */
const ENTRY_BYTES = 1500;
const TEXT_BYTES = 40;

/** See Retention. */
const MOST_USES = 3;

/** How an entry can be used now. 'stale': only after its target was asked. */
export type Freshness = 'fresh' | 'revalidating' | 'stale';

/** An entry with what is read from its headers once, for all its hits. */
export class KeptAnswer {
  readonly entry: CacheEntry;
  /** Flat, for the client: without the fields that control only this cache, and without the own members of Cache-Status. */
  readonly sentHeaders: readonly string[];
  /** The same with the status, for most hits. */
  readonly head: PreparedHead;
  /** Cache-Status of the caches between the target and this one; '' without. */
  readonly statusBefore: string;
  /** As it is written; '' without one. */
  readonly etag: string;
  readonly lastModified: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Its target chose the coding by the request. */
  readonly variesByCoding: boolean;
  /** Bytes of memory. */
  readonly size: number;
  /** Since memory last looked for entries to remove, `MOST_USES` at most. */
  uses = 0;

  /** Undefined if its head cannot be sent. */
  static of(entry: CacheEntry, fields: CacheRule['fields']): KeptAnswer | undefined {
    try {
      return new KeptAnswer(entry, fields);
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  /** Throws a TypeError if its head cannot be sent. */
  constructor(entry: CacheEntry, fields: CacheRule['fields']) {
    const { status, headers, body, tags } = entry;
    this.entry = entry;
    this.statusBefore = findHeader(headers, 'cache-status') ?? '';
    this.etag = findHeader(headers, 'etag') ?? '';
    this.lastModified = findHeader(headers, 'last-modified') ?? '';
    this.contentType = findHeader(headers, 'content-type') ?? '';
    this.contentEncoding = (findHeader(headers, 'content-encoding') ?? '').trim().toLowerCase();
    this.variesByCoding = /(?:^|[\s,])accept-encoding(?:[\s,]|$)/i.test(findHeader(headers, 'vary') ?? '');
    this.sentHeaders = toSentHeaders(headers, fields, true);
    this.head = new PreparedHead(status, this.sentHeaders, ['Cache-Status', this.statusBefore]);
    // Each header is in memory twice: in the lists, and in the text of the head.
    this.size = ENTRY_BYTES + body.length + toBytes(headers, 2) + toBytes(tags, 1);
  }

  /** It was sent. */
  noteUse(): void {
    if (this.uses < MOST_USES) this.uses++;
  }

  /** In milliseconds; never negative. */
  ageMs(nowMs: number): number {
    return Math.max(0, nowMs - this.entry.bornAtMs);
  }

  /** Milliseconds until it is stale; negative: since then. */
  leftMs(nowMs: number): number {
    return this.entry.lifetimeMs - this.ageMs(nowMs);
  }

  freshness(nowMs: number): Freshness {
    const leftMs = this.leftMs(nowMs);
    if (leftMs > 0) return 'fresh';
    return -leftMs < this.entry.staleWhileRevalidateMs ? 'revalidating' : 'stale';
  }

  /** Whether it may replace a response of its target that failed. */
  coversFailure(nowMs: number): boolean {
    const { staleIfErrorMs, staleWhileRevalidateMs } = this.entry;
    return -this.leftMs(nowMs) < Math.max(staleIfErrorMs, staleWhileRevalidateMs);
  }

  get hasValidator(): boolean {
    return this.etag !== '' || toTimeMs(this.lastModified) !== undefined;
  }

  /** How long it may be of use, from its birth. */
  get usefulMs(): number {
    const { lifetimeMs, staleIfErrorMs, staleWhileRevalidateMs } = this.entry;
    return lifetimeMs + Math.max(staleIfErrorMs, staleWhileRevalidateMs);
  }
}

function toBytes(texts: readonly string[], copies: number): number {
  return texts.reduce((sum, text) => sum + copies * text.length, TEXT_BYTES * texts.length);
}

/**
 * The headers (flat) of a response for its client. `isKept`: it is in the cache, so a client without `Cache-Control` must not store a response
 * whose author set a lifetime for this cache only.
 */
export function toSentHeaders(
  headers: readonly string[],
  fields: CacheRule['fields'],
  isKept: boolean,
): readonly string[] {
  const sent = withoutNames(headers, isKept ? OWN_AND_STATUS : OWN_FIELDS);
  const isTargeted = isKept && findHeader(headers, 'cache-control') === undefined && findDecidingField(headers, fields);
  if (isTargeted) sent.push('Cache-Control', DEFAULT_CACHE_CONTROL);
  return sent;
}

const OWN_AND_STATUS: ReadonlySet<string> = new Set([...OWN_FIELDS, 'cache-status']);
