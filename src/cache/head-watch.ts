import type { CacheRule } from '../contract/cache.ts';
import type { Exchange, ResponseLayer } from '../contract/exchange.ts';
import { findHeader } from '../contract/header-list.ts';
import { withoutNames } from '../http/headers.ts';
import { type CacheOutcome, toCacheStatus } from './cache-status.ts';
import { OWN_FIELDS, toSentHeaders } from './kept-answer.ts';
import { findRefusal, readStorable } from './policy/storable-response.ts';
import { toPrimaryKey } from './request-key.ts';
import type { StoringAdvice } from './storing-advice.ts';

type Forwarded = NonNullable<CacheOutcome['forwarded']>;

export interface HeadWatchParts {
  readonly rule: CacheRule;
  readonly forwarded: Forwarded;
  /** Gets whether the response might have been stored. */
  readonly onHead?: ((isStorable: boolean) => void) | undefined;
  /** Gets the keys of the URLs that the request has changed. */
  readonly onChange?: ((urlKey: string) => void) | undefined;
  readonly advice?: StoringAdvice | undefined;
}

/**
 * Reads the head of a response that is not stored, and writes what the cache did into it if the target has said anything about caches. One without an
 * `onChange` of its own is used for many requests: a response without such fields costs a look at its names.
 */
export class HeadWatch implements ResponseLayer {
  readonly #parts: HeadWatchParts;

  constructor(parts: HeadWatchParts) {
    this.#parts = parts;
  }

  toHeaders(exchange: Exchange, status: number, headers: readonly string[]): readonly string[] {
    const { rule, forwarded, onHead, onChange, advice } = this.#parts;
    if (onChange && status >= 200 && status < 400) reportChanges(exchange, headers, onChange);
    if (rule.isOwn?.(exchange) === false) return headers;
    if (!hasCacheField(headers, rule)) {
      onHead?.(exchange.builtForS !== undefined);
      return headers;
    }
    const storable = readStorable(status, headers, rule);
    if (forwarded === 'miss') advice?.give(exchange, storable);
    const refusal = typeof storable === 'string' ? storable : findRefusal(exchange.request, storable);
    onHead?.(refusal === undefined);
    const detail = refusal === undefined || forwarded === 'method' ? {} : { detail: refusal };
    exchange.cacheResult = 'pass';
    return toForwardedHeaders(headers, rule, { forwarded, ...detail });
  }
}

const [N, C] = ['n', 'c'].map((letter) => letter.charCodeAt(0));

/** Whether the target has said anything about caches. `headers`: flat. */
export function hasCacheField(headers: readonly string[], { fields }: CacheRule): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    // Most names have another length, or begin with another letter.
    const { length } = name;
    if (length < 12 || length > 25 || (length > 17 && length < 25)) continue;
    const first = name.charCodeAt(0) | 0x20;
    if (first !== N && (first !== C || (length !== 13 && length !== 17))) continue;
    const lowerName = name.toLowerCase();
    if (OWN_FIELDS.has(lowerName) || lowerName === 'cdn-cache-control') return true;
    if (lowerName === 'cache-control' && fields === 'all') return true;
  }
  return false;
}

/** The headers (flat) of a response that comes from the target, for its client. */
export function toForwardedHeaders(
  headers: readonly string[],
  { fields, names }: CacheRule,
  outcome: CacheOutcome,
): readonly string[] {
  const before = findHeader(headers, 'cache-status') ?? '';
  const others = before === '' ? headers : withoutNames(headers, CACHE_STATUS);
  return [
    ...toSentHeaders(others, fields, outcome.isStored === true),
    'Cache-Status',
    toCacheStatus(before, names, outcome),
  ];
}

const CACHE_STATUS: ReadonlySet<string> = new Set(['cache-status']);

/** The URL of the request, and those of the same host that its response names. */
function reportChanges(exchange: Exchange, headers: readonly string[], onChange: (urlKey: string) => void): void {
  const key = toPrimaryKey(exchange);
  onChange(key);
  for (const name of ['location', 'content-location']) {
    const url = toUrl(findHeader(headers, name), key);
    if (url && url.origin === new URL(key).origin) onChange(`${url.origin}${url.pathname}`);
  }
}

function toUrl(text: string | undefined, base: string): URL | undefined {
  return text !== undefined && URL.canParse(text, base) ? new URL(text, base) : undefined;
}
