import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { MetricFamily } from '../contract/metrics.ts';
import { Histogram } from './histogram.ts';
import { toLabels } from './label-text.ts';

/** Of the timer whose delay is measured. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;
/** In seconds, as prom-client has them. */
const GC_BOUNDS = [0.001, 0.01, 0.1, 1, 2, 5];
/** Names of prom-client for `PerformanceEntry.detail.kind`. */
const GC_KINDS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

/**
 * Metrics of this process, with the names of prom-client, so that dashboards for Node fit. Measures
 * until `close`.
 */
export class ProcessMetrics {
  readonly #startedAtSeconds = Math.round(performance.timeOrigin / 1000);
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #collections = new Map<string, Histogram>();
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#collected(entry);
  });

  constructor() {
    this.#delay.enable();
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  close(): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }

  families(): readonly MetricFamily[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    const lagSeconds = this.#delay.percentile(99) / NANOSECONDS;
    this.#delay.reset();
    const [openFds, mostFds] = [countOpenFds(), readMostFds()];
    return [
      one('counter', 'process_cpu_user_seconds_total', 'User CPU time.', user / 1e6),
      one('counter', 'process_cpu_system_seconds_total', 'System CPU time.', system / 1e6),
      one('counter', 'process_cpu_seconds_total', 'User and system CPU time.', (user + system) / 1e6),
      max('process_start_time_seconds', 'Start of the newest process, in Unix time.', this.#startedAtSeconds),
      one('gauge', 'process_resident_memory_bytes', 'Resident memory.', rss),
      ...(openFds === undefined ? [] : [one('gauge', 'process_open_fds', 'Open file descriptors.', openFds)]),
      ...(mostFds === undefined ? [] : [max('process_max_fds', 'Most open file descriptors of a process.', mostFds)]),
      max('nodejs_eventloop_lag_p99_seconds', 'Delay of timers since the last scrape.', lagSeconds),
      one('gauge', 'nodejs_heap_size_total_bytes', 'Heap of V8.', heapTotal),
      one('gauge', 'nodejs_heap_size_used_bytes', 'Used heap of V8.', heapUsed),
      one('gauge', 'nodejs_external_memory_bytes', 'Memory of objects outside of the heap.', external),
      {
        name: 'nodejs_gc_duration_seconds',
        help: 'Garbage collections.',
        kind: 'histogram',
        bounds: GC_BOUNDS,
        series: [...this.#collections].map(([kind, { values }]) => ({ labels: toLabels({ kind }), values })),
      },
      { ...max('nodejs_version_info', 'Version of Node.js.', 1), series: [{ labels: VERSION, values: [1] }] },
    ];
  }

  #collected(entry: { readonly duration: number; readonly detail?: unknown }): void {
    const { detail } = entry;
    const number = typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : 0;
    const kind = GC_KINDS[number] ?? 'other';
    let histogram = this.#collections.get(kind);
    if (!histogram) {
      histogram = new Histogram(GC_BOUNDS);
      this.#collections.set(kind, histogram);
    }
    histogram.record(entry.duration / 1000);
  }
}

const VERSION = toLabels({ version: process.version });

function one(kind: 'counter' | 'gauge', name: string, help: string, value: number): MetricFamily {
  return { name, help, kind, series: [{ labels: '', values: [value] }] };
}

function max(name: string, help: string, value: number): MetricFamily {
  return { ...one('gauge', name, help, value), merge: 'max' };
}

/** Undefined where there is no /proc. */
function countOpenFds(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Not Linux.
    return undefined;
  }
}

function readMostFds(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    // Not Linux.
    return undefined;
  }
}
