import { type CollectedMetrics, keepCounters, type MetricFamily, mergeMetrics } from '../contract/metrics.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A worker that needs longer is counted as missing, with what it has sent before. */
const PATIENCE_MS = 500;

type Families = readonly MetricFamily[];

/**
 * The metrics of all workers as those of one process. Counters of a worker that has ended stay, as
 * it sent them last: sums must not become smaller, or Prometheus takes them for a restart.
 */
export class WorkerMetrics {
  readonly #last = new Map<WorkerProcess, Families>();
  #ended: Families = [];

  /** The metrics of a worker, as it has sent them. */
  keep(worker: WorkerProcess, families: Families): void {
    this.#last.set(worker, families);
  }

  ended(worker: WorkerProcess): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    if (last) this.#ended = mergeMetrics([this.#ended, keepCounters(last)]);
  }

  /** `asking`: the worker that asks has sent its own metrics. Never rejects. */
  async collect(workers: readonly WorkerProcess[], asking?: WorkerProcess): Promise<CollectedMetrics> {
    const others = workers.filter((worker) => worker.isServing && worker !== asking);
    const late = new Set<WorkerProcess>();
    await Promise.all(
      others.map(async (worker, at) => {
        // The store is the same for all.
        const families = await inTime(worker.collect(!asking && at === 0));
        if (families) this.keep(worker, families);
        else late.add(worker);
      }),
    );
    // Read together: a worker that has ended meanwhile is among the ended ones only.
    const last = [...this.#last].map(([worker, families]) => (late.has(worker) ? keepCounters(families) : families));
    return { families: mergeMetrics([this.#ended, ...last]), missing: late.size };
  }
}

function inTime(work: Promise<Families | undefined>): Promise<Families | undefined> {
  return Promise.race([work, new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined).unref())]);
}
