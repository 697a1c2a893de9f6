import type { Config } from '../config/config.ts';
import type { JobIntake, JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { Clock } from '../jobs/clock.ts';
import { Worker } from '../jobs/worker.ts';

export interface BackgroundParts {
  /** Asked for its queue only when there is a job, or a rule for some. */
  readonly store: Store;
  readonly config: Pick<Config, 'JOB_CONCURRENCY' | 'JOB_FUNCTION_CONCURRENCY'>;
  readonly log: Log;
}

/** Work that outlives its request: takes it in, and runs it by the rules of the site. */
export class Background {
  readonly #parts: BackgroundParts;
  #isStarted = false;
  #running: { readonly worker: Worker; readonly clock: Clock } | undefined;

  constructor(parts: BackgroundParts) {
    this.#parts = parts;
  }

  /** Works before anything is run, and until the store is closed. */
  readonly intake: JobIntake = {
    push: async (rule, payload) => this.#parts.store.queue.push({ rule, payload, dueAtMs: Date.now() }),
  };

  /** Begins to run jobs by these rules; in a site without any, and with a JOB_CONCURRENCY of 0, there is nothing to begin. */
  start(rules: readonly JobRule[]): void {
    this.#isStarted = true;
    this.use(rules);
  }

  /** From now on jobs run by these rules; what runs already is finished by its own. Does nothing before the start and after the end. */
  use(rules: readonly JobRule[]): void {
    if (!this.#isStarted) return;
    if (this.#running) {
      this.#running.worker.use(rules);
      this.#running.clock.use(rules);
    } else if (rules.length > 0 && this.#parts.config.JOB_CONCURRENCY > 0) this.#run(rules);
  }

  /** Begins nothing more. Jobs have `graceMs` to end, then they are given back; resolves when that is done. */
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
    });
    const clock = new Clock({ queue, log, rules });
    this.#running = { worker, clock };
    worker.start();
    clock.start();
  }
}
