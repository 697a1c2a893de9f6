import type { CollectedMetrics, MetricFamily } from '../contract/metrics.ts';
import { mergeMetrics } from '../contract/metrics.ts';
import { type TextFormat, toMetricsText } from './text-format.ts';

/** Reads the metrics of all processes as text. Scrapes at the same time share one reading. */
export class Scrape {
  readonly #collect: () => Promise<CollectedMetrics>;
  #reading: Promise<readonly MetricFamily[]> | undefined;

  constructor(collect: () => Promise<CollectedMetrics>) {
    this.#collect = collect;
  }

  async toText(format: TextFormat): Promise<string> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return toMetricsText(await this.#reading, format);
  }

  async #read(): Promise<readonly MetricFamily[]> {
    const { families, missing } = await this.#collect();
    return mergeMetrics([families, [toMissing(missing)]]);
  }
}

function toMissing(count: number): MetricFamily {
  return {
    name: 'nexthop_processes_missing',
    help: 'Worker processes that did not send their metrics in time.',
    kind: 'gauge',
    series: [{ labels: '', values: [count] }],
  };
}
