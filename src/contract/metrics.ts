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
  /** One value. Of a histogram: the count of each bucket alone, with that of infinity, then the sum. */
  readonly values: readonly number[];
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
  const byLabels = new Map(one.series.map(({ labels, values }) => [labels, values]));
  for (const { labels, values } of other.series) {
    const before = byLabels.get(labels);
    const join = one.merge === 'max' ? Math.max : (a: number, b: number) => a + b;
    byLabels.set(labels, before ? values.map((value, at) => join(value, before[at] ?? 0)) : values);
  }
  return [...byLabels].map(([labels, values]) => ({ labels, values }));
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

/** Gets each request to the hop when the head of its response is there, or when it has failed. */
export interface HopObserver {
  answered(status: number, ms: number): void;
  /** `code`: of the fault. */
  failed(code: string, ms: number): void;
}

/** The jobs in the store. */
export interface JobsNow {
  readonly counts: Readonly<Record<JobState, number>>;
  /** When the job that waits longest was due; undefined if none is due. */
  readonly oldestDueAtMs: number | undefined;
}
