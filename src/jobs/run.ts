import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { Fault } from '../contract/fault.ts';
import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { Claim, Ledger, Queue } from '../contract/store.ts';
import type { JobTracer } from '../contract/tracer.ts';
import { runFor, type SiteCall } from '../process/site-calls.ts';
import { type Ending, logEnding } from './ending.ts';
import { toFailureReason } from './failure-reason.ts';
import type { Outage } from './outage.ts';

export interface RunParts {
  readonly queue: Queue;
  readonly claim: Claim;
  readonly rule: JobRule;
  readonly nextRunAtMs: number | undefined;
  readonly leaseMs: number;
  /** The outage in which the store does not accept results of jobs. */
  readonly outage: Outage;
  readonly log: Log;
  readonly tracer?: JobTracer | undefined;
  /** See EndedAttempt. Default: false. */
  readonly isOnce?: boolean;
  /** Called once, when the attempt has ended and its result is being sent to the store. */
  readonly onOver: () => void;
  /** Called with the way in which the attempt ended, also if the store does not get its result. */
  readonly onEnding?: (ending: Ending) => void;
}

/**
 * A job that kills its process at each attempt would stop all other jobs, so it is buried after
 * this many attempts. Attempts that were released on shutdown do not count.
 */
const MOST_ATTEMPTS = 5;

/** More than one, so that the lease survives an extension that fails. */
const EXTENSIONS_PER_LEASE = 3;

/** One attempt at a claimed job, until the store has its result. */
export class Run implements SiteCall {
  /** False while the function runs, which may be longer than its attempt. */
  functionIsOver = true;
  readonly #parts: RunParts;
  readonly #function = new AbortController();
  readonly #released = new AbortController();
  readonly #ending = Promise.withResolvers<Ending>();
  readonly #startedAtMs = performance.now();
  #extendedAtMs = performance.now();
  #functionEnd: Promise<void> = Promise.resolve();
  /** Set when the code tried to end the process: this error ended the attempt instead. */
  #exit: Error | undefined;
  #claim: Claim;
  #isOver = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#claim = parts.claim;
  }

  get calledCode(): string {
    return this.#parts.rule.file;
  }

  get jobId(): string {
    return this.#claim.job.id;
  }

  /**
   * Continues under this claim if it is of the same job and the attempt still runs; returns false
   * otherwise. The store regarded the lease as ended, e.g. because the clock of Redis was set forward
   * or the event loop was blocked. A second attempt would run beside this one.
   */
  adopt(claim: Claim): boolean {
    if (claim.job.id !== this.#claim.job.id || this.#isOver) return false;
    this.#claim = claim;
    this.#extendedAtMs = performance.now();
    return true;
  }

  /**
   * Runs the function. Resolves when the store has the result of the attempt, or when this process
   * can no longer report it. Never rejects.
   */
  async finish(): Promise<void> {
    const { leaseMs, rule } = this.#parts;
    const { failures, vanished } = this.#claim.job;
    if (vanished > 0 && vanished + failures >= MOST_ATTEMPTS) {
      this.#isOver = true;
      return this.#finishWith({ kind: 'vanished', reason: toVanishedReason(vanished, failures) });
    }
    const extending = setInterval(() => void this.keepLease(), leaseMs / EXTENSIONS_PER_LEASE);
    const late = rule.timeoutMs > 0 ? setTimeout(() => this.#timeOut(), rule.timeoutMs) : undefined;
    this.#functionEnd = this.#call();
    const ending = await this.#ending.promise;
    clearTimeout(late);
    clearInterval(extending);
    return this.#finishWith(ending);
  }

  /** Resolves when the function itself ends. A function that hangs never resolves it. */
  get functionEnd(): Promise<void> {
    return this.#functionEnd;
  }

  /**
   * The event loop was blocked or the store was away. The lease must then be extended before other
   * jobs are claimed; otherwise the same job could be claimed again.
   */
  get isLeaseLate(): boolean {
    return performance.now() - this.#extendedAtMs > (2 * this.#parts.leaseMs) / EXTENSIONS_PER_LEASE;
  }

  /**
   * Extends the lease now. Never rejects: the next extension follows soon, and an ended lease can
   * be extended as long as no other worker has claimed the job.
   */
  async keepLease(): Promise<void> {
    const { queue, leaseMs, outage } = this.#parts;
    const claim = this.#claim;
    const calledAtMs = performance.now();
    try {
      const isHeld = await queue.extend(claim, leaseMs);
      outage.end();
      if (isHeld) this.#extendedAtMs = calledAtMs;
      else if (await this.#isLost(claim)) this.#end({ kind: 'lost' }, new Error('another process has claimed the job'));
    } catch (error) {
      outage.begin(error);
    }
  }

  /**
   * Releases the job because the process is ending. The signal of the function aborts, and another
   * worker may claim the job at once. This does not count as a failure.
   */
  giveBack(): void {
    this.#released.abort();
    this.#end({ kind: 'given back' }, new Fault('draining', { message: 'the process ends; the job runs again' }));
  }

  end(error: Error): boolean {
    if (this.functionIsOver || this.#function.signal.aborted) return this.#exit !== undefined;
    this.#exit = error;
    // A function that does not catch it ends by itself first.
    setImmediate(() => this.#end({ kind: 'failed', error }, error));
    return true;
  }

  /** Whether the job is lost with this claim. Its successor may be about to be adopted. */
  async #isLost(claim: Claim): Promise<boolean> {
    await turn();
    return claim === this.#claim;
  }

  async #call(): Promise<void> {
    const { rule, nextRunAtMs, tracer } = this.#parts;
    const { id, payload, attempts: number } = this.#claim.job;
    const { signal } = this.#function;
    this.functionIsOver = false;
    try {
      const attempt = { id, number, signal, ...(nextRunAtMs !== undefined && { nextRunAtMs }) };
      const run = (given: Uint8Array) => runFor(this, () => rule.run({ ...attempt, payload: given }), rule.code);
      const job = { file: rule.file, rule: rule.name, attempt: number, payload };
      await (tracer ? tracer.runJob(job, run) : run(payload));
      this.#resolve(this.#exit ? { kind: 'failed', error: this.#exit } : { kind: 'done' });
    } catch (error) {
      this.#resolve({ kind: 'failed', error });
    } finally {
      this.functionIsOver = true;
    }
  }

  #timeOut(): void {
    const error = new Error(`the function did not end within ${spell(this.#parts.rule.timeoutMs)}`);
    error.name = 'TimeoutError';
    // The stack would only show the timer.
    error.stack = `${error.name}: ${error.message}`;
    this.#end({ kind: 'failed', error }, error);
  }

  /** Ends the attempt before the function ends, unless the attempt has ended already. */
  #end(ending: Ending, reason: Error): void {
    this.#resolve(ending);
    if (!this.functionIsOver) this.#function.abort(reason);
  }

  #resolve(ending: Ending): void {
    this.#isOver = true;
    this.#ending.resolve(ending);
  }

  /**
   * The result is sent before `onOver` is called. So the claim for the slot that is now free
   * reaches the store after the result, and shares its round trip and its commit.
   */
  #finishWith(ending: Ending): Promise<void> {
    this.#parts.onEnding?.(ending);
    const settled = this.#settle(ending);
    this.#parts.onOver();
    return settled;
  }

  /**
   * Sends the result to the store, and repeats this while the store is away. The result still
   * counts after the lease ended, as long as no other worker claimed the job.
   */
  async #settle(ending: Ending): Promise<void> {
    const { outage } = this.#parts;
    const { signal } = this.#released;
    for (;;) {
      const isLast = signal.aborted;
      try {
        const isHeld = await this.#report(ending);
        outage.end();
        this.#log(isHeld ? ending : { kind: 'lost' });
        if (isHeld) await this.#tidy(ending);
        return;
      } catch (error) {
        const waitMs = outage.begin(error);
        // The job is claimed again when its lease ends.
        if (isLast || this.#isHopeless(error)) return;
        await delay(waitMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * A store that is not reachable becomes reachable again. Any other error may occur at each attempt, and would occupy
   * the slot for ever.
   */
  #isHopeless(error: unknown): boolean {
    const isAway = error instanceof Fault && error.code === 'store_unavailable';
    return !isAway && performance.now() - this.#extendedAtMs > this.#parts.leaseMs;
  }

  /** Resolves with false when this worker no longer holds the job. */
  #report(ending: Ending): Promise<boolean> {
    const { queue } = this.#parts;
    const claim = this.#claim;
    switch (ending.kind) {
      case 'done':
        return queue.done(claim);
      case 'failed': {
        const reason = toFailureReason(ending.error);
        const waitMs = this.#waitMs;
        return waitMs === undefined ? queue.bury(claim, reason) : queue.again(claim, Date.now() + waitMs, reason);
      }
      case 'vanished':
        return queue.bury(claim, ending.reason);
      case 'given back':
        return queue.again(claim, Date.now());
      case 'lost':
        return Promise.resolve(false);
    }
  }

  /** Milliseconds until the next attempt after a failure; undefined if there is none. */
  get #waitMs(): number | undefined {
    return this.#parts.rule.retryAfterMs[this.#claim.job.failures];
  }

  async #tidy(ending: Ending): Promise<void> {
    const { queue, rule, outage } = this.#parts;
    if (rule.schedule === undefined || ending.kind !== 'failed' || this.#waitMs !== undefined) return;
    // A job that is not dropped here is dropped by the next failed run.
    await keepLastFailure(queue.ledger, rule.name, this.#claim.job.id).catch((error: unknown) => outage.begin(error));
  }

  #log(ending: Ending): void {
    const { log, rule, isOnce = false } = this.#parts;
    logEnding(log, { job: this.#claim.job, rule, ending, ms: performance.now() - this.#startedAtMs, isOnce });
  }
}

function toVanishedReason(vanished: number, failures: number): string {
  const ended = `the process ended ${vanished === 1 ? 'once' : `${vanished} times`} while it ran`;
  return failures === 0 ? ended : `${ended}, and it failed ${failures === 1 ? 'once' : `${failures} times`}`;
}

function spell(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** There is more than one only when an earlier clean-up failed. */
const DROPPED_AT_ONCE = 10;

/**
 * Drops all dead runs of a schedule but the last. Each is as informative as any other, and a
 * schedule that fails every minute would fill the store.
 */
async function keepLastFailure(ledger: Ledger, rule: string, id: string): Promise<void> {
  const dead = await ledger.list({ state: 'dead', rule, limit: DROPPED_AT_ONCE });
  for (const job of dead) if (job.id !== id) await ledger.drop(job.id);
}
