import type { HopObserver, MetricFamily } from '../contract/metrics.ts';
import { Histogram, SECONDS } from './histogram.ts';
import { toLabels } from './label-text.ts';

/** Times of requests to the next hop, by the class of their status or the code of their fault. */
export class HopMetrics implements HopObserver {
  readonly #histograms = new Map<string | number, Histogram>();

  answered(status: number, ms: number): void {
    this.#record(Math.floor(status / 100), ms);
  }

  failed(code: string, ms: number): void {
    this.#record(code, ms);
  }

  families(): readonly MetricFamily[] {
    const series = [...this.#histograms].map(([key, { values }]) => ({
      labels:
        typeof key === 'number' ? toLabels({ http_response_status_code: `${key}xx` }) : toLabels({ error_type: key }),
      values,
    }));
    return [
      {
        name: 'http_client_request_duration_seconds',
        help: 'Time from a request to the next hop to the head of its response, with the time in the queue.',
        kind: 'histogram',
        bounds: SECONDS,
        series,
      },
    ];
  }

  #record(key: string | number, ms: number): void {
    let histogram = this.#histograms.get(key);
    if (!histogram) {
      histogram = new Histogram();
      this.#histograms.set(key, histogram);
    }
    histogram.record(ms / 1000);
  }
}
