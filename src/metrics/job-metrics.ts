import type { JobsNow, MetricFamily } from '../contract/metrics.ts';
import { toLabels } from './label-text.ts';
import { SeldomAsked } from './store-metrics.ts';

/** Runs of jobs in this process, and the jobs in the store. */
export class JobMetrics {
  readonly #runs = new Map<string, number>();
  readonly #now = new SeldomAsked<JobsNow>();

  /** Counts an attempt that has ended. */
  ended(rule: string, outcome: string): void {
    const labels = toLabels({ rule, outcome });
    this.#runs.set(labels, (this.#runs.get(labels) ?? 0) + 1);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'nexthop_job_runs_total',
        help: 'Attempts of jobs that ended in this process.',
        kind: 'counter',
        series: [...this.#runs].map(([labels, count]) => ({ labels, values: [count] })),
      },
    ];
  }

  /** What the store has; nothing if it is not used or away. Never rejects. */
  async stored(ask: () => Promise<JobsNow | undefined>): Promise<readonly MetricFamily[]> {
    const now = await this.#now.find(ask);
    if (!now) return [];
    const { counts, oldestDueAtMs } = now;
    const ageSeconds = oldestDueAtMs === undefined ? 0 : Math.max(0, Date.now() - oldestDueAtMs) / 1000;
    return [
      {
        name: 'nexthop_jobs',
        help: 'Jobs in the store, which all processes share.',
        kind: 'gauge',
        merge: 'max',
        series: Object.entries(counts).map(([state, count]) => ({ labels: toLabels({ state }), values: [count] })),
      },
      {
        name: 'nexthop_job_age_seconds',
        help: 'For how long the oldest job has been due; 0 if none is.',
        kind: 'gauge',
        merge: 'max',
        series: [{ labels: '', values: [ageSeconds] }],
      },
    ];
  }
}
