import type { CacheResult } from '../contract/cache.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault } from '../contract/fault.ts';
import type { CalledCode, MetricFamily, RunObserver } from '../contract/metrics.ts';
import type { RequestObserver } from '../contract/tracer.ts';
import { ANSWERED_BY, type AnsweredBy, toAnsweredBy, toRoute } from './answered-by.ts';
import { Histogram, SECONDS } from './histogram.ts';
import { HostMetrics } from './host-metrics.ts';
import { toLabels } from './label-text.ts';

/** The methods of RFC 9110 and PATCH; all others are one, because a client may send any. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '_OTHER'] as const;
const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, number) => [method, number]));
const OTHER_METHOD = METHODS.length - 1;

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

/** For the time to the head, in seconds. */
const HEAD_BOUNDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

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
export class RequestMetrics implements RequestObserver, RunObserver {
  readonly #routes = new Map<string, RouteSeries>();
  readonly #headTimes = ANSWERED_BY.map(() => new Histogram(HEAD_BOUNDS));
  readonly #requestBytes = new Float64Array(ANSWERED_BY.length);
  readonly #responseBytes = new Float64Array(ANSWERED_BY.length);
  readonly #cacheResults = new Map<CacheResult, number>();
  readonly #faults = new Map<string, { origin: string; count: number }>();
  /** Those of runs that are counted. A fault may reach several exchanges: that of the cache, and that of the client. */
  readonly #failed = new WeakSet<Fault>();
  /** Undefined: hostnames are not counted. */
  readonly #hosts: HostMetrics | undefined;

  constructor({ hasHosts = false }: { readonly hasHosts?: boolean } = {}) {
    this.#hosts = hasHosts ? new HostMetrics() : undefined;
  }

  begin(exchange: Exchange): void {
    exchange.isMeasured = true;
    exchange.runs = this;
  }

  ran({ route }: CalledCode): void {
    this.#routeOf(route).runs++;
  }

  failed(route: string, fault: Fault): void {
    const { code, origin } = fault;
    // A stopped route does not run.
    if (origin !== 'function' || code === 'route_stopped' || this.#failed.has(fault)) return;
    this.#failed.add(fault);
    const series = this.#routeOf(route);
    series.errors++;
    if (code === 'function_timeout') series.timeouts++;
  }

  end(exchange: Exchange): void {
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
    if (exchange.isSampled) histogram.recordTraced(exchange.tookMs / 1000, exchange.traceId);
    else histogram.record(exchange.tookMs / 1000);
    if (exchange.headAtMs > 0) this.#headTimes[by]?.record((exchange.headAtMs - exchange.startedAtMs) / 1000);
    (this.#requestBytes[by] as number) += (request.headBytes ?? 0) + request.body.receivedBytes;
    (this.#responseBytes[by] as number) += exchange.writtenBytes;
    const { cacheResult } = exchange;
    if (cacheResult) this.#cacheResults.set(cacheResult, (this.#cacheResults.get(cacheResult) ?? 0) + 1);
    if (fault) this.#count(fault, route);
    this.#hosts?.count(request.host ?? '');
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
      {
        name: 'nexthop_time_to_head_seconds',
        help: 'Time from the head of a request to the head of its response.',
        kind: 'histogram',
        bounds: HEAD_BOUNDS,
        series: ANSWERED_BY.flatMap((name, by) => {
          const values = this.#headTimes[by]?.values ?? [];
          return values.some((value) => value > 0) ? [{ labels: toLabels({ answered_by: name }), values }] : [];
        }),
      },
      counter(
        'nexthop_request_bytes_total',
        'Bytes of requests with their heads, as far as their bodies were read.',
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
      counter('nexthop_function_runs_total', 'Runs of code of the site for requests.', perRoute('runs')),
      counter('nexthop_function_errors_total', 'Runs that failed.', perRoute('errors')),
      counter('nexthop_function_timeouts_total', 'Runs that were too late.', perRoute('timeouts')),
      counter('nexthop_rate_limited_total', 'Requests that a rate limit refused.', perRoute('limited')),
      ...(this.#hosts?.families() ?? []),
    ];
  }

  #count({ code, origin }: NonNullable<Exchange['fault']>, route: RouteSeries): void {
    const entry = this.#faults.get(code);
    if (entry) entry.count++;
    else this.#faults.set(code, { origin, count: 1 });
    if (code === 'rate_limited') route.limited++;
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
    const { values, exemplars } = histogram;
    return { labels, values, ...(exemplars && { exemplars }) };
  });
}
