import type { Exchange, RestOfPath } from '../contract/exchange.ts';
import type { Candidate, Route, RouteStops } from '../contract/route.ts';
import type { Answer, Fallback, Outcome, Params } from '../contract/target.ts';
import type { Tracer } from '../contract/tracer.ts';
import { hasBody } from '../http/headers.ts';
import type { LimitOutcome, SiteLimits } from '../limits/site-limits.ts';
import { runFor } from '../process/site-calls.ts';

const NO_PARAMS: Params = Object.freeze({});

/** The routes of a site that may answer a request. */
export interface RouteSource {
  /**
   * The routes of step 1: middleware and redirects. They run for every request, before other routes are looked up. Each matches by its own rules,
   * which are finer than a pattern, so no spelling of a path avoids a filter that protects the site.
   */
  readonly filters: readonly Route[];
  /** The other routes that match the method and the path, in the order in which they are tried. Does not change the exchange. */
  candidates(exchange: Exchange): readonly Candidate[];
  /** Undefined: neither the site nor the settings have a rate limit. */
  readonly limits?: SiteLimits | undefined;
}

export interface RouteCallsParts {
  /** Runs the path of an exchange from the filter at index `from` on, to its end. Never throws: a fault becomes the response. */
  readonly runFrom: (exchange: Exchange, site: RouteSource, from: number) => void;
  /** Tried before routes with `afterFallback`. Undefined: these routes are tried without it. */
  readonly fallback?: Fallback;
  /** Routes that are not called. */
  readonly stopped?: RouteStops | undefined;
  readonly tracer?: Tracer | undefined;
}

/** Calls the filters and routes of a site in order, until one of them answers. */
export class RouteCalls {
  readonly #parts: RouteCallsParts;

  constructor(parts: RouteCallsParts) {
    this.#parts = parts;
  }

  /** Throws, or rejects with, what a target throws. */
  answer(exchange: Exchange, site: RouteSource): Answer {
    if (site.limits !== undefined) return this.#answerInLimits(exchange, site, site.limits);
    return this.answerFrom(exchange, site, 0);
  }

  /** The limits come first, by the path as received: a refused request costs nothing else. */
  #answerInLimits(exchange: Exchange, site: RouteSource, limits: SiteLimits): Answer {
    const begun = limits.begin(exchange, site.candidates(exchange));
    return begun instanceof Promise
      ? begun.then(() => this.answerFrom(exchange, site, 0))
      : this.answerFrom(exchange, site, 0);
  }

  /** Calls the filters from the one at index `from` on, then the routes. Without the limits. */
  answerFrom(exchange: Exchange, site: RouteSource, from: number): Answer {
    if (site.filters.length > from)
      return this.#tryFilters(exchange, site, new RestOfSite(site, this.#parts.runFrom, from));
    return this.#tryRoutes(exchange, site);
  }

  /**
   * Runs the filters from the next one of `rest` on, then tries the routes. A filter may answer, or change the target and the headers; therefore the
   * routes are looked up afterwards.
   */
  #tryFilters(exchange: Exchange, site: RouteSource, rest: RestOfSite): Answer {
    const { filters } = site;
    exchange.rest = rest;
    while (rest.from < filters.length) {
      const outcome = this.#call(exchange, filters[rest.from++] as Route, NO_PARAMS); // within bounds
      if (outcome instanceof Promise) {
        return outcome.then((later) => {
          if (later === 'answered' || exchange.isCallEnded) return 'answered';
          return this.#tryFilters(exchange, site, rest);
        });
      }
      if (outcome === 'answered' || exchange.isCallEnded) return 'answered';
    }
    exchange.rest = undefined;
    return this.#tryRoutes(exchange, site);
  }

  /** Tries the candidates in order, from the one at index `from` on. */
  #tryRoutes(exchange: Exchange, site: RouteSource, candidates = site.candidates(exchange), from = 0): Answer {
    for (let at = from; at < candidates.length; at++) {
      const candidate = candidates[at] as Candidate; // within bounds
      const { route, params } = candidate;
      const isFallbackDue = route.afterFallback && !candidates[at - 1]?.route.afterFallback;
      const outcome =
        isFallbackDue || exchange.dueLimits !== undefined
          ? this.#tryLater(exchange, site, candidate, isFallbackDue)
          : this.#call(exchange, route, params);
      if (outcome instanceof Promise) {
        return outcome.then((later) => {
          if (later === 'answered' || exchange.isCallEnded) return 'answered';
          return later === 'rewritten'
            ? this.answerFrom(exchange, site, 0)
            : this.#tryRoutes(exchange, site, candidates, at + 1);
        });
      }
      if (outcome === 'answered' || exchange.isCallEnded) return 'answered';
    }
    exchange.route = '';
    exchange.step = 0;
    exchange.calledAtMs = 0;
    return 'passed';
  }

  /** Calls a route after what is due before it: the fallback, and its rate limit. */
  async #tryLater(
    exchange: Exchange,
    site: RouteSource,
    { route, params }: Candidate,
    isFallbackDue = false,
  ): Promise<Outcome | LimitOutcome> {
    if (isFallbackDue && (await this.#isAnsweredByFallback(exchange))) return 'answered';
    const { limit } = route;
    const isDue =
      limit !== undefined && exchange.dueLimits?.includes(limit.rule) && (limit.matches?.(exchange) ?? true);
    if (isDue && (await site.limits?.take(exchange, limit.rule, route)) === 'rewritten') return 'rewritten';
    return this.#call(exchange, route, params);
  }

  /**
   * Tries the fallback before the remaining routes, if the request can be sent again afterwards.
   * True if the fallback answered; false if it has nothing at this path.
   */
  async #isAnsweredByFallback(exchange: Exchange): Promise<boolean> {
    const { fallback } = this.#parts;
    if (!fallback?.answerUnlessMissing || !canBeSentTwice(exchange)) return false;
    exchange.route = '';
    exchange.step = 0;
    exchange.calledAtMs = 0;
    exchange.answeredBy = fallback.name;
    return (await fallback.answerUnlessMissing(exchange)) === 'answered';
  }

  #call(exchange: Exchange, { pattern, target, code, step }: Route, params: Params): Answer {
    exchange.route = pattern.text;
    exchange.step = step;
    exchange.calledAtMs = 0;
    exchange.answeredBy = target.name;
    if (target.isFile) return target.answer(exchange, params);
    const isBlamed = target.isOwn !== true;
    if (isBlamed && this.#parts.stopped?.areAny) this.#parts.stopped.check(exchange);
    if (target.answerAtOnce?.(exchange, params)) return 'answered';
    const { tracer } = this.#parts;
    const call = () => target.answer(exchange, params);
    return runFor(exchange, tracer && !target.isTraced ? () => tracer.run(exchange, call) : call, code, isBlamed);
  }
}

/** What follows the filter that is called now. One object for all filters of a request, because few of them run it. */
class RestOfSite implements RestOfPath {
  /** Index of the next filter. */
  from: number;
  readonly #site: RouteSource;
  readonly #run: RouteCallsParts['runFrom'];

  constructor(site: RouteSource, run: RouteCallsParts['runFrom'], from: number) {
    this.from = from;
    this.#site = site;
    this.#run = run;
  }

  answer(inner: Exchange): void {
    this.#run(inner, this.#site, this.from);
  }
}

/**
 * Whether the request can go to the fallback first and to a route afterwards: it has no body to
 * consume and no side effect (RFC 9110 9.2.1).
 */
function canBeSentTwice({ request, upgrade }: Exchange): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !upgrade && !hasBody(request);
}
