import type { CacheEntry } from '../contract/cache.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import { HOP_BY_HOP, withoutNames } from '../http/headers.ts';
import { InnerRequest } from '../http/inner-request.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { Variation } from './policy/variation.ts';

const CONDITIONS: ReadonlySet<string> = new Set([
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'range'],
]);

/** The request of a client with the validators of an entry, so that its target may answer 304. */
export function toRevalidation(request: IncomingRequest, kept: KeptAnswer): IncomingRequest {
  return new InnerRequest(request, { headers: [...withoutNames(request.headers, CONDITIONS), ...toValidators(kept)] });
}

/**
 * The request that renews an entry after its client was answered. It must not make an entry for all of what only this client may see: it has no credentials, and only
 * those cookies that tell variants apart.
 */
export function toRefresh(request: IncomingRequest, kept: KeptAnswer, variation: Variation): IncomingRequest {
  const isWholeCookie = variation.headers.includes('cookie');
  const headers = withoutNames(request.headers, isWholeCookie ? NOT_REFRESHED : NOT_REFRESHED_AND_COOKIE);
  const cookies = isWholeCookie ? [] : pickCookies(request.get('cookie') ?? '', variation.cookies);
  if (cookies.length > 0) headers.push('Cookie', cookies.join('; '));
  return new InnerRequest(request, { method: 'GET', headers: [...headers, ...toValidators(kept)] });
}

const NOT_REFRESHED: ReadonlySet<string> = new Set([
  ...CONDITIONS,
  ...['authorization', 'proxy-authorization', 'content-length', 'content-type', 'expect', 'cache-control', 'pragma'],
]);
const NOT_REFRESHED_AND_COOKIE: ReadonlySet<string> = new Set([...NOT_REFRESHED, 'cookie']);

function pickCookies(header: string, names: readonly string[]): readonly string[] {
  const pairs = header.split(';').map((pair) => pair.trim());
  return names.length === 0 ? [] : pairs.filter((pair) => names.includes((pair.split('=', 1)[0] as string).trim())); // split gives one
}

function toValidators({ etag, lastModified }: KeptAnswer): readonly string[] {
  return [
    ...(etag === '' ? [] : ['If-None-Match', etag]),
    ...(lastModified === '' ? [] : ['If-Modified-Since', lastModified]),
  ];
}

/** Describe the stored content, which a 304 does not have. */
const OF_CONTENT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...['content-length', 'content-encoding', 'content-range', 'set-cookie', 'age'],
]);

/** The headers (flat) of an entry after a 304: its fields replace those of the entry (RFC 9111 3.2), but for those that describe the content. */
export function freshenHeaders({ headers }: CacheEntry, of304: readonly string[]): readonly string[] {
  const added = withoutNames(of304, OF_CONTENT);
  const replaced = new Set(added.flatMap((name, at) => (at % 2 === 0 ? [name.toLowerCase()] : [])));
  return [...withoutNames(headers, replaced), ...added];
}
