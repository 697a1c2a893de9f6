import type { Exchange } from '../contract/exchange.ts';
import type { RateLimits } from '../contract/project.ts';
import { type RateRule, type Take, toRefusal, toWholeSeconds } from '../contract/rate-limit.ts';
import type { Candidate, FilterLimit, Route } from '../contract/route.ts';
import { patchRequest } from '../http/patch-request.ts';
import { toLimitKey } from './limit-key.ts';

/** 'passed': within the limits. 'rewritten': above one, whose rule names what answers: the exchange has that target, and no limits any more. */
export type LimitOutcome = 'passed' | 'rewritten';

/** A rule that a request meets. */
interface Met {
  readonly rule: RateRule;
  /** Of the route or filter that has the rule; '' for the rule of the whole site. */
  readonly pattern: string;
}

/** A request that was counted, or refused, by a rule. */
interface Taken extends Met {
  readonly take: Take;
}

/** Finds the limits of filters that a request meets. */
export type FindLimits = (exchange: Exchange) => readonly FilterLimit[];

/** The rate limits of a site. Counts each request once for each rule. */
export class SiteLimits {
  readonly #parts: RateLimits;
  readonly #finders: readonly FindLimits[];

  constructor(parts: RateLimits, finders: readonly FindLimits[]) {
    this.#parts = parts;
    this.#finders = finders;
  }

  /**
   * Counts a request before anything of the site runs: for the whole site, for its filters, and for the route that is asked first. `candidates`: found by
   * the path as received. Limits of further candidates become due when those are called. Throws `rate_limited` or `store_unavailable`, or rejects with it.
   */
  begin(exchange: Exchange, candidates: readonly Candidate[]): LimitOutcome | Promise<LimitOutcome> {
    const { siteRule } = this.#parts;
    const met: Met[] = siteRule ? [{ rule: siteRule, pattern: '' }] : [];
    for (const find of this.#finders) met.push(...find(exchange));
    const first = findFirst(candidates, exchange);
    if (first) met.push(first);
    const due = candidates.flatMap(({ route: { limit } }) => (limit && limit.rule !== first?.rule ? [limit.rule] : []));
    if (due.length > 0) exchange.dueLimits = due;
    return met.length > 0 ? this.#takeAll(exchange, met) : 'passed';
  }

  /** Counts a request for a route that is called now. Fails as `begin` does. */
  async take(exchange: Exchange, rule: RateRule, { pattern }: Route): Promise<LimitOutcome> {
    exchange.dueLimits = exchange.dueLimits?.filter((each) => each !== rule);
    return this.#takeAll(exchange, [{ rule, pattern: pattern.text }]);
  }

  #takeAll(exchange: Exchange, met: readonly Met[], taken: Taken[] = []): LimitOutcome | Promise<LimitOutcome> {
    for (const { rule, pattern } of met.slice(taken.length)) {
      const take = this.#parts.limiter.take(rule, toLimitKey(rule, exchange));
      if (take instanceof Promise) {
        return take.then(
          (later) =>
            this.#settle(exchange, { rule, pattern, take: later }, taken) ?? this.#takeAll(exchange, met, taken),
        );
      }
      const outcome = this.#settle(exchange, { rule, pattern, take }, taken);
      if (outcome) return outcome;
    }
    if (this.#parts.sendsFields) addLimitFields(exchange, taken);
    return 'passed';
  }

  /** Undefined: the next rule decides. */
  #settle(exchange: Exchange, each: Taken, taken: Taken[]): LimitOutcome | undefined {
    taken.push(each);
    return each.take.isAllowed ? undefined : this.#refuse(exchange, each, taken);
  }

  #refuse(exchange: Exchange, { rule, pattern, take }: Taken, taken: readonly Taken[]): LimitOutcome {
    const { name, rewriteTo } = rule;
    exchange.dueLimits = undefined;
    if (rewriteTo !== undefined && rewriteTo.split('?', 1)[0] !== pathOf(exchange.target)) {
      if (this.#parts.sendsFields) addLimitFields(exchange, taken);
      rewrite(exchange, rewriteTo);
      return 'rewritten';
    }
    exchange.route = pattern;
    exchange.answeredBy = `rate limit ${name}`;
    throw toRefusal(rule, take, this.#parts.sendsFields ? toLimitFields(taken) : []);
  }
}

/** The limit of the route that answers first. Routes before it may pass, e.g. a file that is not there any more, or a rule for other hosts. */
function findFirst(candidates: readonly Candidate[], exchange: Exchange): Met | undefined {
  for (const { route } of candidates) {
    const { limit, afterFallback, pattern } = route;
    if (!limit || afterFallback) return undefined;
    if (limit.matches?.(exchange) ?? true) return { rule: limit.rule, pattern: pattern.text };
  }
  return undefined;
}

/** The client's URL stays in headers that functions of the platform read. */
function rewrite(exchange: Exchange, to: string): void {
  const { target } = exchange;
  const query = target.slice(pathOf(target).length);
  patchRequest(exchange.request, [
    ['x-netlify-original-pathname', pathOf(target)],
    ['x-netlify-original-search', query || undefined],
  ]);
  exchange.rewrite(to.includes('?') ? to : to + query);
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

/** Adds the fields of `toLimitFields` to the response, beside those of other rules and of the function that answers. */
function addLimitFields(exchange: Exchange, taken: readonly Taken[]): void {
  const fields = toLimitFields(taken);
  exchange.addLayer({ toHeaders: (_exchange, _status, headers) => [...headers, ...fields] });
}

/** The fields (flat) of draft-ietf-httpapi-ratelimit-headers-11: the limits of a request, and what is left of them. */
function toLimitFields(taken: readonly Taken[]): readonly string[] {
  const policies = taken.map(
    ({ rule: { name, limit, windowMs } }) => `"${name}";q=${limit};w=${Math.ceil(windowMs / 1000)}`,
  );
  const states = taken.map(
    ({ rule: { name }, take: { remaining, resetMs } }) => `"${name}";r=${remaining};t=${toWholeSeconds(resetMs)}`,
  );
  return ['RateLimit-Policy', policies.join(', '), 'RateLimit', states.join(', ')];
}
