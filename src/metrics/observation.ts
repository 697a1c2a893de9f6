import type { Exchange, ResponseLayer } from '../contract/exchange.ts';
import type { StoreObserver } from '../contract/metrics.ts';
import type { RequestObserver, Tracer } from '../contract/tracer.ts';
import type { EdgeMetrics } from './edge-metrics.ts';
import type { openMetricsPage } from './metrics-page.ts';
import { openTracing } from './open-telemetry.ts';

export interface ObservationSettings {
  readonly METRICS_PATH: string;
  readonly METRICS_PORT: number;
  readonly METRICS_HOSTS: boolean;
  readonly TRACE_TRUST: 'trusted' | 'all';
  readonly TRACE_PATHS: boolean;
  readonly SERVER_TIMING: boolean;
}

/** What is measured and traced in this process. */
export interface Observation {
  /** Undefined: the settings want no metrics. */
  readonly metrics: EdgeMetrics | undefined;
  /** Undefined without metrics. */
  readonly openPage: typeof openMetricsPage | undefined;
  readonly tracer: Tracer | undefined;
  readonly requests: readonly RequestObserver[];
  readonly stores: StoreObserver | undefined;
}

/** Starts to measure what the settings want, and to trace if an SDK of OpenTelemetry runs in this process. */
export async function openObservation(settings: ObservationSettings): Promise<Observation> {
  const { METRICS_PATH, METRICS_PORT, METRICS_HOSTS, TRACE_TRUST, TRACE_PATHS, SERVER_TIMING } = settings;
  const hasMetrics = METRICS_PATH !== '' || METRICS_PORT !== 0;
  // Imported only here: without metrics their code needs no memory.
  const metrics = hasMetrics
    ? new (await import('./edge-metrics.ts')).EdgeMetrics({ hasHosts: METRICS_HOSTS })
    : undefined;
  const openPage = hasMetrics ? (await import('./metrics-page.ts')).openMetricsPage : undefined;
  const tracer = await openTracing({ trustsAll: TRACE_TRUST === 'all', hasPaths: TRACE_PATHS });
  const timing = SERVER_TIMING ? new ServerTiming() : undefined;
  const requests = [metrics?.requests, tracer, timing].filter((each) => each !== undefined);
  return { metrics, openPage, tracer, requests, stores: toOne(metrics?.stores, tracer) };
}

function toOne(one: StoreObserver | undefined, other: StoreObserver | undefined): StoreObserver | undefined {
  if (!one || !other) return one ?? other;
  return { observe: (store, verb, work) => one.observe(store, verb, () => other.observe(store, verb, work)) };
}

/**
 * Adds `Server-Timing` to responses, for the developer tools of browsers: the milliseconds from the head of the request to that of the response, and the part of it
 * since code of the site was called. Not to a response that the cache sends or stores: its times would be those of another request.
 */
class ServerTiming implements RequestObserver, ResponseLayer {
  begin(exchange: Exchange): void {
    exchange.isMeasured = true;
    // The first layer is applied last.
    exchange.addLayer(this);
  }

  end(): void {
    // The times are known at the head.
  }

  toHeaders(
    { cacheResult, startedAtMs, calledAtMs }: Exchange,
    _status: number,
    headers: readonly string[],
  ): readonly string[] {
    if (cacheResult !== undefined && cacheResult !== 'pass') return headers;
    const nowMs = performance.now();
    const own = `nexthop;dur=${toDuration(nowMs - startedAtMs)}`;
    return [...headers, 'Server-Timing', calledAtMs > 0 ? `${own}, fn;dur=${toDuration(nowMs - calledAtMs)}` : own];
  }
}

function toDuration(ms: number): string {
  return ms.toFixed(3);
}
