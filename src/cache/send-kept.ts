import { STATUS_CODES } from 'node:http';
import type { CacheRule } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import { toRange } from '../http/byte-range.ts';
import { namesTag } from '../http/entity-tags.ts';
import { toTimeMs } from '../http/http-time.ts';
import { type CacheOutcome, toCacheResult, toCacheStatus } from './cache-status.ts';
import type { KeptAnswer } from './kept-answer.ts';

export interface Sending {
  readonly rule: CacheRule;
  readonly outcome: CacheOutcome;
  readonly nowMs: number;
}

/**
 * Answers a GET or HEAD with an entry. Conditions of the client get a 304, and one range gets a 206 (RFC 9111 4.3.2, RFC 9110 14.2). The response has the age of the
 * entry, and the ids of this request.
 */
export function sendKept(exchange: Exchange, kept: KeptAnswer, { rule, outcome, nowMs }: Sending): void {
  const { request, requestId } = exchange;
  const { entry } = kept;
  kept.noteUse();
  exchange.cacheResult = toCacheResult(outcome);
  rule.identify?.(exchange);
  const { platformId } = exchange;
  const age = String(Math.floor(kept.ageMs(nowMs) / 1000));
  const status = toCacheStatus(kept.statusBefore, rule.names, outcome);
  const own = ['Age', age, 'Cache-Status', status, requestId.name, requestId.value];
  if (platformId) own.push(platformId.name, platformId.value);
  exchange.contentType = kept.contentType;
  if (entry.status === 200) {
    if (isUnchanged(request, kept)) {
      write(
        exchange,
        304,
        [...pickNames(kept.sentHeaders, kept.etag === '' ? OF_304_AND_DATE : OF_304), ...own],
        EMPTY,
      );
      return;
    }
    const part = findPart(request, kept);
    if (part) {
      write(exchange, part.status, [...kept.sentHeaders, 'Content-Range', part.range, ...own], part.content);
      return;
    }
  }
  kept.head.write(exchange, own, request.method === 'HEAD' && entry.status !== 204 ? entry.body.length : -1);
  exchange.response.end(entry.body);
}

const EMPTY = Buffer.alloc(0);

function write(exchange: Exchange, status: number, headers: readonly string[], content: Buffer): void {
  exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
  exchange.response.end(content);
}

/** Of a 304, besides what is added (RFC 9110 15.4.5). */
const OF_304: ReadonlySet<string> = new Set([
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'vary',
  'cdn-cache-control',
]);
/** Without a tag, the date helps the client to find its own entry. */
const OF_304_AND_DATE: ReadonlySet<string> = new Set([...OF_304, 'last-modified']);

function pickNames(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const picked: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    if (names.has(name.toLowerCase())) picked.push(name, headers[at + 1] as string);
  }
  return picked;
}

/** Whether the client has this entry already (RFC 9110 13.2.2). A 304 is weak: it may go to any form of a tag. */
function isUnchanged(request: IncomingRequest, { etag, lastModified, sentHeaders }: KeptAnswer): boolean {
  const ifNoneMatch = request.get('if-none-match');
  if (ifNoneMatch !== undefined) return etag !== '' && namesTag(ifNoneMatch, etag.replace(/^W\//, ''), 'weak');
  const ifModifiedSince = request.get('if-modified-since');
  if (ifModifiedSince === undefined) return false;
  const sinceMs = toTimeMs(ifModifiedSince);
  const modifiedMs = toTimeMs(lastModified || (pickNames(sentHeaders, DATE)[1] ?? ''));
  return sinceMs !== undefined && modifiedMs !== undefined && modifiedMs <= sinceMs;
}

const DATE: ReadonlySet<string> = new Set(['date']);

interface Part {
  readonly status: 206 | 416;
  /** The value of Content-Range. */
  readonly range: string;
  readonly content: Buffer;
}

/** The part that the request asks for. Undefined if the whole entry must be sent. */
function findPart(request: IncomingRequest, { etag, lastModified, entry: { body } }: KeptAnswer): Part | undefined {
  const field = request.method === 'GET' ? request.get('range') : undefined;
  if (field === undefined) return undefined;
  const ifRange = request.get('if-range');
  // Only a strong tag is in quotes from its beginning.
  const isSame =
    ifRange === undefined ||
    (ifRange.startsWith('"') ? ifRange === etag : ifRange === lastModified && lastModified !== '');
  const range = isSame ? toRange(field, body.length) : undefined;
  if (range === undefined) return undefined;
  if (range === 'unsatisfiable') return { status: 416, range: `bytes */${body.length}`, content: EMPTY };
  const { first, last } = range;
  return { status: 206, range: `bytes ${first}-${last}/${body.length}`, content: body.subarray(first, last + 1) };
}
