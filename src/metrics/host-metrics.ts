import { toHostname } from '../contract/hostname.ts';
import type { MetricFamily } from '../contract/metrics.ts';
import { toLabels } from './label-text.ts';

/** Clients may send any name, and a site may serve all names of a domain. */
const MOST_HOSTNAMES = 1000;
const OTHERS = 'max-hostnames-reached';
const LONGEST = 80;
const FIT = /^[a-z0-9.-]+$/;

/** Requests by the name in their Host header, with the name, the limits and the replacement of Section's module-metrics. */
export class HostMetrics {
  readonly #counts = new Map<string, number>();
  /** Most requests have the Host of the one before. */
  #host = '';
  #label = '';

  count(host: string): void {
    if (host !== this.#host) {
      this.#host = host;
      this.#label = this.#toLabel(host);
    }
    this.#counts.set(this.#label, (this.#counts.get(this.#label) ?? 0) + 1);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'section_http_request_count_by_hostname_total',
        help: 'Requests by the name in their Host header.',
        kind: 'counter',
        series: [...this.#counts].map(([hostname, count]) => ({ labels: toLabels({ hostname }), values: [count] })),
      },
    ];
  }

  /** '' for what is no name. */
  #toLabel(host: string): string {
    const name = toHostname(host);
    const hostname = name.length <= LONGEST && FIT.test(name) ? name : '';
    return this.#counts.has(hostname) || this.#counts.size < MOST_HOSTNAMES ? hostname : OTHERS;
  }
}
