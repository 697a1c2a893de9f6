import type { Fault } from './fault.ts';
import type { JobState } from './store.ts';

/** The values of one metric, as plain data: workers send them to their supervisor. */
export interface MetricFamily {
  /** As Prometheus has it; that of a counter ends with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** How the values of several processes become one; default: sum. */
  readonly merge?: 'sum' | 'max';
  /** Upper bounds of the buckets of a histogram, without that of infinity. */
  readonly bounds?: readonly number[];
  readonly series: readonly MetricSeries[];
}

export interface MetricSeries {
  /** As in the text format, e.g. `method="GET",code="200"`; '' for none. */
  readonly labels: string;
  /** Instead of that of the family. */
  readonly merge?: 'max';
  /** One value. Of a histogram: the count of each bucket alone, with that of infinity, then the sum. */
  readonly values: readonly number[];
  /** Of a histogram: at most one for each bucket. */
  readonly exemplars?: readonly Exemplar[];
}

/** A trace that shows a value of a histogram. */
export interface Exemplar {
  /** Number of the bucket that the value is in. */
  readonly bucket: number;
  readonly traceId: string;
  readonly value: number;
  /** Unix time. */
  readonly atSeconds: number;
}

/** The metrics of several processes as those of one. */
export function mergeMetrics(all: readonly (readonly MetricFamily[])[]): readonly MetricFamily[] {
  const merged = new Map<string, MetricFamily>();
  for (const family of all.flat()) {
    const before = merged.get(family.name);
    merged.set(family.name, before ? { ...family, series: mergeSeries(before, family) } : family);
  }
  return [...merged.values()];
}

function mergeSeries(one: MetricFamily, other: MetricFamily): readonly MetricSeries[] {
  const byLabels = new Map(one.series.map((series) => [series.labels, series]));
  for (const series of other.series) {
    const join = (series.merge ?? one.merge) === 'max' ? Math.max : (a: number, b: number) => a + b;
    const before = byLabels.get(series.labels);
    byLabels.set(series.labels, before ? mergeOne(before, series, join) : series);
  }
  return [...byLabels.values()];
}

function mergeOne(one: MetricSeries, other: MetricSeries, join: (a: number, b: number) => number): MetricSeries {
  const values = other.values.map((value, at) => join(value, one.values[at] ?? 0));
  if (!one.exemplars && !other.exemplars) return { ...one, values };
  const all = [...(one.exemplars ?? []), ...(other.exemplars ?? [])].sort((a, b) => a.atSeconds - b.atSeconds);
  return { labels: one.labels, values, exemplars: [...new Map(all.map((each) => [each.bucket, each])).values()] };
}

/** What is still true of a process that has ended: its counters. */
export function keepCounters(families: readonly MetricFamily[]): readonly MetricFamily[] {
  return families.filter(({ kind }) => kind !== 'gauge');
}

/** What several processes counted together, and how many of them did not answer in time. */
export interface CollectedMetrics {
  readonly families: readonly MetricFamily[];
  readonly missing: number;
}

/** Runs the calls of stores, e.g. to count those that fail. */
export interface StoreObserver {
  /** Returns what `work` returns. `verb`: what the store is asked for, without keys or values. */
  observe<T>(store: 'redis' | 'sqlite' | 's3', verb: string, work: () => Promise<T>): Promise<T>;
}

/** Code of the site that is called for a request, as the exchange has it. */
export interface CalledCode {
  readonly route: string;
  readonly step: number;
  /** The file. */
  readonly answeredBy: string;
}

/** Counts the runs of the site's code for requests. `route`: pattern of what runs. */
export interface RunObserver {
  ran(call: CalledCode): void;
  /** A guard without code of the site let a request of its paths pass. `filter`: for people, e.g. `Basic-Auth of public/_headers`. */
  passed?(filter: string): void;
  /** Of each fault only the first call counts, and none if its origin is not the code that ran. */
  failed(route: string, fault: Fault): void;
}

/** Gets each request to the hop when the head of its response is there, or when it has failed. */
export interface HopObserver {
  answered(status: number, ms: number): void;
  /** `code`: of the fault. */
  failed(code: string, ms: number): void;
  /** The request is sent a second time. Returns the head to send. */
  retried?(code: string, headText: string): string;
}

/** What the cache of a process holds. */
export interface CacheUse {
  /** In memory. */
  readonly bytes: number;
  /** Responses that were removed to make room. */
  readonly evictions: number;
  /** Of the entries in the store, which all processes share; undefined if there is none, or it does not count them. Rejects if it is away. */
  durableBytes(): Promise<number | undefined>;
}

/** The jobs in the store. */
export interface JobsNow {
  readonly counts: Readonly<Record<JobState, number>>;
  /** When the job that waits longest was due; undefined if none is due. */
  readonly oldestDueAtMs: number | undefined;
}
