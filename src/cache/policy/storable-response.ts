import type { CacheRule } from '../../contract/cache.ts';
import { findHeader } from '../../contract/header-list.ts';
import { toTimeMs } from '../../http/http-time.ts';
import { findDecidingField } from './deciding-field.ts';
import type { Directives } from './directives.ts';
import { readVariation, type Variation } from './variation.ts';

/** Why a response is not stored, as the `detail` of Cache-Status. */
export type Refusal =
  | 'method'
  | 'status'
  | 'no-lifetime'
  | 'no-store'
  | 'private'
  | 'no-cache'
  | 'set-cookie'
  | 'event-stream'
  | 'vary'
  | 'netlify-vary'
  | 'authorization'
  | 'request-no-store'
  | 'request-body'
  | 'too-large'
  | 'incomplete'
  | 'passed-on';

/** A response that may be stored, as far as its head tells. */
export interface StorableResponse {
  readonly directives: Directives;
  readonly lifetimeMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** Its age when it was received. */
  readonly ageMs: number;
  readonly isDurable: boolean;
  readonly variation: Variation;
  /** In lower case, each once; the custom ids are among them. */
  readonly tags: readonly string[];
  /** The first custom id: the response is valid for each version of the site. */
  readonly customId: string | undefined;
}

/** Statuses of whole responses that say something about the page, not about the state of a server or about one request. */
const STORABLE_STATUSES: ReadonlySet<number> = new Set([200, 203, 204, 299, 301, 302, 303, 307, 308, 404, 410]);

/**
 * Decides by the head of a response whether a shared cache may store it (RFC 9111 3, RFC 9213). Nothing is stored without an explicit lifetime. Returns what
 * the head says about storing, or why it must not be stored. `headers`: flat.
 */
export function readStorable(status: number, headers: readonly string[], rule: CacheRule): StorableResponse | Refusal {
  if (!isStorableStatus(status, rule)) return 'status';
  const field = findDecidingField(headers, rule.fields);
  const directives = field?.directives ?? NO_DIRECTIVES;
  const forbidding = findForbidding(directives, headers, rule);
  if (forbidding !== undefined) return forbidding;
  const { staleWhileRevalidate = 0, staleIfError = 0, mustRevalidate, noCache, durable } = directives;
  const lifetimeS = field ? (directives.sMaxAge ?? directives.maxAge) : readExpires(headers, rule);
  if (!noCache && (lifetimeS === undefined || lifetimeS + staleWhileRevalidate === 0)) return 'no-lifetime';
  const isNeverStale = mustRevalidate || noCache;
  if (findHeader(headers, 'set-cookie') !== undefined) return 'set-cookie';
  if (isEventStream(headers)) return 'event-stream';
  const variation = readVariation(headers);
  if (typeof variation === 'string') return variation;
  return {
    directives,
    lifetimeMs: noCache || lifetimeS === undefined ? 0 : lifetimeS * 1000,
    staleWhileRevalidateMs: isNeverStale ? 0 : staleWhileRevalidate * 1000,
    staleIfErrorMs: isNeverStale ? 0 : staleIfError * 1000,
    ageMs: readAge(headers) * 1000,
    isDurable: durable && !rule.ignoresDurable,
    variation,
    ...readTags(headers),
  };
}

/** Of other servers, which may have statuses of their own: those about one request, whose headers can cause them, or about its credentials. */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([
  ...[206, 304, 400, 401, 403, 406, 407, 408, 411, 412, 413, 414, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431],
]);

/** Never a failure of a server: one failure must not be kept. */
function isStorableStatus(status: number, { isOrigin }: CacheRule): boolean {
  return STORABLE_STATUSES.has(status) || (isOrigin === true && status < 500 && !OF_ONE_REQUEST.has(status));
}

/**
 * The same for a response that its platform stores by its path alone. `forS`: seconds. A stale one is sent while it is built again, as on the platform.
 */
export function readBuilt(status: number, headers: readonly string[], forS: number): StorableResponse | Refusal {
  if (!STORABLE_STATUSES.has(status)) return 'status';
  if (findHeader(headers, 'set-cookie') !== undefined) return 'set-cookie';
  return {
    directives: { ...NO_DIRECTIVES, public: true },
    lifetimeMs: Math.min(forS, MOST_AGE_S) * 1000,
    staleWhileRevalidateMs: MOST_AGE_S * 1000,
    staleIfErrorMs: 0,
    ageMs: 0,
    isDurable: false,
    variation: BY_PATH,
    ...readTags(headers),
  };
}

const BY_PATH: Variation = { query: [], headers: [], cookies: [], languages: [], countries: [] };

/** The directive that forbids to store the response. */
function findForbidding(
  directives: Directives,
  headers: readonly string[],
  { isOrigin }: CacheRule,
): Refusal | undefined {
  // RFC 9111 5.2.2.3: with it, `no-store` is for caches that do not know the status.
  if (directives.noStore && !directives.mustUnderstand) return 'no-store';
  if (directives.private) return 'private';
  return directives.noCache && !(isOrigin && hasValidator(headers)) ? 'no-cache' : undefined;
}

function hasValidator(headers: readonly string[]): boolean {
  return findHeader(headers, 'etag') !== undefined || findHeader(headers, 'last-modified') !== undefined;
}

const NO_DIRECTIVES: Directives = {
  noStore: false,
  private: false,
  noCache: false,
  public: false,
  mustRevalidate: false,
  mustUnderstand: false,
  durable: false,
  maxAge: undefined,
  sMaxAge: undefined,
  staleWhileRevalidate: undefined,
  staleIfError: undefined,
};

/** The parts of a request that decide, too. */
export interface StoringRequest {
  readonly method: string;
  get(name: string): string | undefined;
}

/** Why the response to this request must not be stored; undefined if it may be. */
export function findRefusal(request: StoringRequest, { directives }: StorableResponse): Refusal | undefined {
  if (request.method !== 'GET') return 'method';
  const { public: isPublic, mustRevalidate, sMaxAge } = directives;
  const isForAll = isPublic || mustRevalidate || sMaxAge !== undefined;
  if (!isForAll && request.get('authorization') !== undefined) return 'authorization';
  const cacheControl = request.get('cache-control');
  return cacheControl !== undefined && readsNoStore(cacheControl) ? 'request-no-store' : undefined;
}

function readsNoStore(field: string): boolean {
  return /(?:^|[\s,])no-store(?:[\s,=]|$)/i.test(field);
}

/** Seconds. Only if the rule says so, and there is no `Cache-Control` at all. A date that is invalid is in the past (RFC 9111 5.3). */
function readExpires(headers: readonly string[], { isOrigin, readsExpires }: CacheRule): number | undefined {
  if (!(isOrigin || readsExpires) || findHeader(headers, 'cache-control') !== undefined) return undefined;
  const expires = findHeader(headers, 'expires');
  if (expires === undefined) return undefined;
  const expiresMs = toTimeMs(expires);
  if (expiresMs === undefined) return 0;
  const dateMs = toTimeMs(findHeader(headers, 'date') ?? '') ?? Date.now();
  return Math.max(0, Math.floor((expiresMs - dateMs) / 1000));
}

const MOST_AGE_S = 2 ** 31;

/** Seconds. Of several values the first one holds (RFC 9111 5.1). */
export function readAge(headers: readonly string[]): number {
  const digits = /^\s*(\d+)\s*(?:,|$)/.exec(findHeader(headers, 'age') ?? '')?.[1];
  return digits === undefined ? 0 : Math.min(Number(digits), MOST_AGE_S);
}

function isEventStream(headers: readonly string[]): boolean {
  return /^\s*text\/event-stream\b/i.test(findHeader(headers, 'content-type') ?? '');
}

/** Limits of the platform. What is beyond them is left out. */
const MOST_TAGS = 500;
const LONGEST_TAG = 1024;

/** The tags by which a response is purged. `Netlify-Cache-Tag` hides `Cache-Tag`; values of `Netlify-Cache-ID` are tags, too. */
function readTags(headers: readonly string[]): Pick<StorableResponse, 'tags' | 'customId'> {
  const ids = toTags(findHeader(headers, 'netlify-cache-id'));
  const tags = toTags(findHeader(headers, 'netlify-cache-tag') ?? findHeader(headers, 'cache-tag'));
  return { tags: ids.length === 0 ? tags : [...new Set([...ids, ...tags])], customId: ids[0] };
}

/** The tags in a comma-separated list, in lower case. */
export function toTags(field: string | undefined): readonly string[] {
  if (field === undefined) return [];
  const tags = field.split(',').map((tag) => tag.trim().toLowerCase());
  return [...new Set(tags.filter((tag) => tag !== '' && tag.length <= LONGEST_TAG))].slice(0, MOST_TAGS);
}
