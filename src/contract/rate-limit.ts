import { Fault } from './fault.ts';

/** By what the requests of a rule are counted: by client address, by host, or by both together. */
export type LimitKey = 'ip' | 'domain';

/** How many requests may pass in a window of time. */
export interface RateRule {
  /** Names the counts of this rule: a rule that stays the same keeps them when the site is read again. */
  readonly id: string;
  /** For clients, in the header `RateLimit-Policy`. ASCII without quotes. */
  readonly name: string;
  /** Requests that may pass in any window. At least 1. */
  readonly limit: number;
  readonly windowMs: number;
  readonly by: readonly LimitKey[];
  /** Requests above the limit are answered by what the site has at this target (origin-form). Undefined: 429. */
  readonly rewriteTo?: string;
}

export interface Take {
  /** The request may pass, and was counted. A refused request is not counted. */
  readonly isAllowed: boolean;
  /** Requests that may still pass now. */
  readonly remaining: number;
  /** Milliseconds: of a refused request until the next one may pass, else until nothing of the limit is used. */
  readonly resetMs: number;
}

/** Counts requests. */
export interface Limiter {
  /** Counts a request of a client, unless the limit of the rule is reached for its `key`. Never throws or rejects but with `store_unavailable`. */
  take(rule: RateRule, key: string): Take | Promise<Take>;
}

/** Requests that a process let pass, for the other processes of its supervisor: the key with its rule, the window in milliseconds, the number of requests. */
export type CountedRequests = readonly (readonly [name: string, windowMs: number, count: number])[];

/** The other processes of a supervisor. */
export interface CountPeers {
  shareCounts(counted: CountedRequests): void;
  /** One listener, for what the others share. */
  onCounts(listener: (counted: CountedRequests) => void): void;
}

/** Counts requests of several processes together. Rejects with `store_unavailable`. */
export interface SharedLimiter extends Limiter {
  take(rule: RateRule, key: string): Promise<Take>;
  /** Reports that this process counts requests. Resolves with the number of processes that have reported lately. */
  countProcesses(): Promise<number>;
}

/** The requests of one key in the current window and in the one before it. */
export interface WindowCount {
  readonly current: number;
  readonly previous: number;
  /** Since the current window began. */
  readonly elapsedMs: number;
}

/**
 * Sliding window counter: the requests of the previous window are taken to be spread evenly over it, so a part of
 * them is still in the window that ends now.
 */
export function usedOf({ windowMs }: RateRule, { current, previous, elapsedMs }: WindowCount): number {
  return previous * (1 - elapsedMs / windowMs) + current;
}

/** `count`: after the request was counted, if it was. */
export function toTake(rule: RateRule, count: WindowCount, isAllowed: boolean): Take {
  const remaining = Math.max(0, Math.floor(rule.limit - usedOf(rule, count)));
  return { isAllowed, remaining, resetMs: isAllowed ? untilUnused(rule, count) : untilNext(rule, count) };
}

function untilUnused({ windowMs }: RateRule, { current, elapsedMs }: WindowCount): number {
  return windowMs - elapsedMs + (current > 0 ? windowMs : 0);
}

/** Until the weighted sum leaves room for one request: in this window, or in the next one. */
function untilNext({ limit, windowMs }: RateRule, { current, previous, elapsedMs }: WindowCount): number {
  const room = limit - 1 - current;
  if (room >= 0) return Math.max(0, windowMs * (1 - room / previous) - elapsedMs);
  return windowMs - elapsedMs + Math.max(0, windowMs * (1 - (limit - 1) / current));
}

/** The refusal of a request: 429. `fields`: further headers (flat). */
export function toRefusal(
  { name, limit, windowMs }: RateRule,
  { resetMs }: Take,
  fields: readonly string[] = [],
): Fault {
  return new Fault('rate_limited', {
    message: `more than ${limit} requests in ${windowMs / 1000} s (${name})`,
    headers: ['Retry-After', String(toWholeSeconds(resetMs)), ...fields],
  });
}

/** For clients: at least 1. */
export function toWholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
