import type { CacheResult } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { MetricFamily } from '../contract/metrics.ts';
import { OWN_PAGE } from '../contract/target.ts';
import { Histogram, SECONDS } from './histogram.ts';
import { toLabels } from './label-text.ts';

/** The methods of RFC 9110 and PATCH; all others are one, because a client may send any. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '_OTHER'] as const;
const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, number) => [method, number]));
const OTHER_METHOD = METHODS.length - 1;

const ANSWERED_BY = ['function', 'file', 'page', 'cache', 'redirect', 'gate', 'hop', 'fault', 'nexthop'] as const;
export type AnsweredBy = (typeof ANSWERED_BY)[number];
const ANSWERED_BY_NUMBERS = Object.fromEntries(ANSWERED_BY.map((name, number) => [name, number])) as Readonly<
  Record<AnsweredBy, number>
>;

/** The method as a label. */
export function toMethod(method: string): string {
  return METHOD_NUMBERS.has(method) ? method : '_OTHER';
}

/** Patterns come from the site, but a site may have thousands of functions. */
const MOST_ROUTES = 500;
const OTHER_ROUTE = 'other';

const CLIENT_LEFT_STATUS = 499;

/** The step of filters, and of redirects (src/contract/route.ts). */
const FILTER_STEP = 1;
const PAGE_STEP = 5;
const REDIRECT_STEP = 6;

/** The series of one route, by status, method and what answered, as one number. */
interface RouteSeries {
  readonly name: string;
  readonly series: Map<number, Histogram>;
  runs: number;
  errors: number;
  timeouts: number;
  limited: number;
}

/** Counts finished requests. Each record writes to arrays; texts are made at a scrape. */
export class RequestMetrics {
  readonly #routes = new Map<string, RouteSeries>();
  readonly #requestBytes = new Float64Array(ANSWERED_BY.length);
  readonly #responseBytes = new Float64Array(ANSWERED_BY.length);
  readonly #cacheResults = new Map<CacheResult, number>();
  readonly #faults = new Map<string, { origin: string; count: number }>();

  /** Call it once for each exchange, when it is over. */
  finished(exchange: Exchange): void {
    const { fault, request, response } = exchange;
    const status = response.isHeadWritten ? response.status : (fault?.status ?? CLIENT_LEFT_STATUS);
    const answeredBy = toAnsweredBy(exchange, status);
    const by = ANSWERED_BY_NUMBERS[answeredBy];
    const method = METHOD_NUMBERS.get(request.method) ?? OTHER_METHOD;
    const route = this.#routeOf(toRoute(exchange, answeredBy));
    const key = (status * METHODS.length + method) * ANSWERED_BY.length + by;
    let histogram = route.series.get(key);
    if (!histogram) {
      histogram = new Histogram();
      route.series.set(key, histogram);
    }
    histogram.record((performance.now() - exchange.startedAtMs) / 1000);
    (this.#requestBytes[by] as number) += request.body.receivedBytes;
    // A socket that was destroyed before it connected has no `bytesWritten`.
    (this.#responseBytes[by] as number) +=
      (exchange.socket.bytesWritten ?? exchange.bytesWrittenBefore) - exchange.bytesWrittenBefore;
    const { cacheResult } = exchange;
    if (cacheResult) this.#cacheResults.set(cacheResult, (this.#cacheResults.get(cacheResult) ?? 0) + 1);
    if (answeredBy === 'function') route.runs++;
    if (fault) this.#count(fault, route);
  }

  families(): readonly MetricFamily[] {
    const routes = [...this.#routes.values()];
    const perRoute = (count: 'runs' | 'errors' | 'timeouts' | 'limited'): MetricFamily['series'] =>
      routes.flatMap((route) =>
        route[count] > 0 ? [{ labels: toLabels({ http_route: route.name }), values: [route[count]] }] : [],
      );
    const perAnswer = (counts: Float64Array): MetricFamily['series'] =>
      ANSWERED_BY.flatMap((name, by) =>
        (counts[by] ?? 0) > 0 ? [{ labels: toLabels({ answered_by: name }), values: [counts[by] ?? 0] }] : [],
      );
    return [
      {
        name: 'http_server_request_duration_seconds',
        help: 'Time from the head of a request to the end of its response.',
        kind: 'histogram',
        bounds: SECONDS,
        series: routes.flatMap(toSeries),
      },
      counter(
        'nexthop_request_body_bytes_total',
        'Bytes of request bodies that were read.',
        perAnswer(this.#requestBytes),
      ),
      counter('nexthop_response_bytes_total', 'Bytes of responses, with their heads.', perAnswer(this.#responseBytes)),
      counter(
        'nexthop_faults_total',
        'Requests that failed, by code and origin of the fault.',
        [...this.#faults].map(([code, { origin, count }]) => ({ labels: toLabels({ code, origin }), values: [count] })),
      ),
      counter(
        'nexthop_cache_requests_total',
        'Requests for responses that caches may know, by what the cache did.',
        [...this.#cacheResults].map(([result, count]) => ({ labels: toLabels({ result }), values: [count] })),
      ),
      counter('nexthop_function_runs_total', 'Requests that a function answered, or failed to.', perRoute('runs')),
      counter('nexthop_function_errors_total', 'Requests in which a function failed.', perRoute('errors')),
      counter('nexthop_function_timeouts_total', 'Requests in which a function was too late.', perRoute('timeouts')),
      counter('nexthop_rate_limited_total', 'Requests that a rate limit refused.', perRoute('limited')),
    ];
  }

  #count({ code, origin }: NonNullable<Exchange['fault']>, route: RouteSeries): void {
    const entry = this.#faults.get(code);
    if (entry) entry.count++;
    else this.#faults.set(code, { origin, count: 1 });
    if (code === 'rate_limited') route.limited++;
    if (origin !== 'function') return;
    route.runs++;
    route.errors++;
    if (code === 'function_timeout') route.timeouts++;
  }

  #routeOf(name: string): RouteSeries {
    return this.#routes.get(name) ?? this.#addRoute(name);
  }

  #addRoute(name: string): RouteSeries {
    if (this.#routes.size >= MOST_ROUTES && name !== OTHER_ROUTE) return this.#routeOf(OTHER_ROUTE);
    const route = { name, series: new Map(), runs: 0, errors: 0, timeouts: 0, limited: 0 };
    this.#routes.set(name, route);
    return route;
  }
}

function counter(name: string, help: string, series: MetricFamily['series']): MetricFamily {
  return { name, help, kind: 'counter', series };
}

function toSeries({ name, series }: RouteSeries): MetricFamily['series'] {
  return [...series].map(([key, histogram]) => {
    const by = key % ANSWERED_BY.length;
    const rest = (key - by) / ANSWERED_BY.length;
    const method = rest % METHODS.length;
    const labels = toLabels({
      http_route: name,
      http_request_method: METHODS[method] ?? '',
      http_response_status_code: String((rest - method) / METHODS.length).padStart(3, '0'),
      answered_by: ANSWERED_BY[by] ?? '',
    });
    return { labels, values: histogram.values };
  });
}

const FROM_CACHE: ReadonlySet<CacheResult> = new Set(['hit', 'stale', 'collapsed']);

function toAnsweredBy({ fault, step, isFile, cacheResult }: Exchange, status: number): AnsweredBy {
  if (fault && fault.code !== 'client_left') return 'fault';
  if (isFile) return 'file';
  if (cacheResult !== undefined && FROM_CACHE.has(cacheResult)) return 'cache';
  if (step === OWN_PAGE) return 'nexthop';
  if (step === 0) return 'hop';
  const isRedirect = status >= 300 && status < 400;
  if (step === FILTER_STEP || step === REDIRECT_STEP) return isRedirect || step === REDIRECT_STEP ? 'redirect' : 'gate';
  return step === PAGE_STEP ? 'page' : 'function';
}

/** The pattern, or the kind of answer; never a path. */
function toRoute({ route, step, fault }: Exchange, answeredBy: AnsweredBy): string {
  if (step === 0 && (fault?.origin === 'hop' || fault?.code === 'hop_busy')) return 'hop';
  if (answeredBy === 'file') return 'files';
  if (step <= 0 || route === '') return answeredBy === 'cache' ? 'hop' : answeredBy;
  return route;
}
