import type { Config } from '../config/config.ts';
import type { JobIntake, JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { JobsNow } from '../contract/metrics.ts';
import type { Store, TickOutcome } from '../contract/store.ts';
import type { JobTracer } from '../contract/tracer.ts';
import { Clock } from '../jobs/clock.ts';
import type { EndListener } from '../jobs/ending.ts';
import { type JobRun, runDueJobs } from '../jobs/run-due.ts';
import { Worker } from '../jobs/worker.ts';

/** Of the jobs that wait, for the age of the oldest. The list begins with the oldest. */
const MOST_LISTED = 50;

/** Namespace of the keys of `pushOnce`. */
const ONCE = 'nexthop/once';

/**
 * The real clock, by which the store decides what is due: in a test, code may replace `Date` later.
 */
const now = Date.now;

/** Of one `pushOnce`. */
const MOST_TICKS = 20;

export interface BackgroundParts {
  /** Its queue is opened only when there is a job, or a rule for jobs. */
  readonly store: Store;
  readonly config: Pick<Config, 'JOB_CONCURRENCY' | 'JOB_FUNCTION_CONCURRENCY'>;
  readonly log: Log;
  readonly tracer?: JobTracer | undefined;
  /** Gets each attempt at a job that has ended. */
  readonly onJobEnded?: EndListener | undefined;
}

/** Jobs of the site: accepts them, and runs them by the rules of the site. */
export class Background {
  readonly #parts: BackgroundParts;
  #isStarted = false;
  #isOwner = false;
  #running: { readonly worker: Worker; readonly clock: Clock } | undefined;

  constructor(parts: BackgroundParts) {
    this.#parts = parts;
  }

  /** Accepts jobs before the start too, and until the store is closed. */
  readonly intake: JobIntake = {
    push: async (rule, given) => {
      const { store, tracer } = this.#parts;
      const payload = tracer ? tracer.toLinked(given) : given;
      return store.queue.push({ rule, payload, dueAtMs: now() });
    },
    pushOnce: (rule, key, payload) => this.#pushOnce(rule, key, payload),
  };

  /**
   * Two times of a schedule that is named after the key decide which of several processes pushes:
   * the first time makes the schedule known, the second one pushes, in one step with its decision.
   * An entry for the key keeps it known when other keys follow.
   */
  async #pushOnce(rule: string, key: string, payload: Uint8Array): Promise<boolean> {
    const { store } = this.#parts;
    const { queue } = store;
    const known = store.kv(ONCE);
    const name = `${rule} ${key}`;
    if (await known.get(name)) return false;
    const tick = { rule, schedule: `once ${key}`, payload };
    await queue.tick({ ...tick, atMs: 1 });
    let outcome: TickOutcome = 'first';
    // Between the two, a process may have made another key known.
    for (let atMs = 2; outcome === 'first' && atMs < MOST_TICKS; atMs++) outcome = await queue.tick({ ...tick, atMs });
    // Only one process gets this outcome, too: an earlier job of the rule is not finished.
    if (outcome === 'busy') await queue.push({ rule, payload, dueAtMs: now() });
    await known.put(name, new Uint8Array());
    return outcome === 'pushed' || outcome === 'busy';
  }

  /**
   * Runs the jobs of these rules that are due, one after the other, for a process that was not started with JOB_CONCURRENCY.
   * Rejects with `store_unavailable`.
   */
  async runDue(rules: readonly JobRule[]): Promise<readonly JobRun[]> {
    if (rules.length === 0) return [];
    const { store, log } = this.#parts;
    return runDueJobs({ queue: store.queue, rules, log });
  }

  /**
   * Starts to run jobs by these rules. Does nothing in a site without rules, or if JOB_CONCURRENCY
   * is 0.
   */
  start(rules: readonly JobRule[]): void {
    this.#isStarted = true;
    this.use(rules);
  }

  /** Starts to add the jobs of schedules. Without this call another process does. */
  own(): void {
    this.#isOwner = true;
    this.#running?.clock.start();
  }

  /** The jobs in the store. Rejects if it is away. */
  async now(): Promise<JobsNow> {
    const { ledger } = this.#parts.store.queue;
    const [counts, waiting] = await Promise.all([
      ledger.counts(),
      ledger.list({ state: 'waiting', limit: MOST_LISTED }),
    ]);
    const dueAtMs = Math.min(...waiting.map((job) => job.dueAtMs));
    return { counts, oldestDueAtMs: dueAtMs <= Date.now() ? dueAtMs : undefined };
  }

  /**
   * Replaces the rules. A running job ends under the rule with which it was started. Does nothing
   * before `start` and after `close`.
   */
  use(rules: readonly JobRule[]): void {
    if (!this.#isStarted) return;
    if (this.#running) {
      this.#running.worker.use(rules);
      this.#running.clock.use(rules);
    } else if (rules.length > 0 && this.#parts.config.JOB_CONCURRENCY > 0) this.#run(rules);
  }

  /**
   * Starts no more jobs. Running jobs have `graceMs` to end; then they are released. Resolves when
   * that is done.
   */
  async close(graceMs: number): Promise<void> {
    this.#isStarted = false;
    await Promise.all([this.#running?.clock.close(), this.#running?.worker.close(graceMs)]);
  }

  #run(rules: readonly JobRule[]): void {
    const { store, config, log } = this.#parts;
    const { queue } = store;
    const worker = new Worker({
      queue,
      log,
      rules,
      concurrency: config.JOB_CONCURRENCY,
      functionConcurrency: config.JOB_FUNCTION_CONCURRENCY,
      onEnded: this.#parts.onJobEnded,
      tracer: this.#parts.tracer,
    });
    const clock = new Clock({ queue, log, rules });
    this.#running = { worker, clock };
    worker.start();
    if (this.#isOwner) clock.start();
  }
}
