import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../contract/fault.ts';
import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { Claim, Ledger, Queue } from '../contract/store.ts';
import { type Ending, logEnding } from './ending.ts';
import { toFailureReason } from './failure-reason.ts';
import type { Outage } from './outage.ts';

export interface RunParts {
  readonly queue: Queue;
  readonly claim: Claim;
  readonly rule: JobRule;
  readonly nextRunAtMs: number | undefined;
  readonly leaseMs: number;
  /** In which the store does not take what came of jobs. */
  readonly outage: Outage;
  readonly log: Log;
  /** Called once: the attempt is over, and the store is being told. */
  readonly onOver: () => void;
}

/** A job whose process dies each time it runs keeps everything else from running. Attempts that a drain gave back are not counted. */
const MOST_ATTEMPTS = 5;

/** A lease outlives an extension that fails. */
const EXTENSIONS_PER_LEASE = 3;

/** One attempt at a job in hand, until the store knows what came of it. */
export class Run {
  /** False while a function goes on, be it after its attempt is over. */
  functionIsOver = true;
  readonly #parts: RunParts;
  readonly #function = new AbortController();
  readonly #leaving = new AbortController();
  readonly #ending = Promise.withResolvers<Ending>();
  readonly #startedAtMs = performance.now();
  #extendedAtMs = performance.now();
  #functionEnd: Promise<void> = Promise.resolve();

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  /** Resolves when the store knows what came of the attempt, or nobody here can tell it any more. Never rejects. */
  async finish(): Promise<void> {
    const { claim, leaseMs, rule } = this.#parts;
    const { failures, vanished } = claim.job;
    if (vanished > 0 && vanished + failures >= MOST_ATTEMPTS) {
      return this.#leave({ kind: 'vanished', reason: toVanishedReason(vanished, failures) });
    }
    const extending = setInterval(() => void this.keepLease(), leaseMs / EXTENSIONS_PER_LEASE);
    const late = rule.timeoutMs > 0 ? setTimeout(() => this.#timeOut(), rule.timeoutMs) : undefined;
    this.#functionEnd = this.#call();
    const ending = await this.#ending.promise;
    clearTimeout(late);
    clearInterval(extending);
    return this.#leave(ending);
  }

  /** Resolves when the function itself is over, which may never be. */
  get functionEnd(): Promise<void> {
    return this.#functionEnd;
  }

  /** The event loop was blocked, or the store away: then the lease has to be extended before others are claimed, or the same job comes again. */
  get isLeaseLate(): boolean {
    return performance.now() - this.#extendedAtMs > (2 * this.#parts.leaseMs) / EXTENSIONS_PER_LEASE;
  }

  /** Extends the lease now. Never rejects: it is tried again soon, and a lease that ended can be had again while nobody else wants the job. */
  async keepLease(): Promise<void> {
    const { queue, claim, leaseMs, outage } = this.#parts;
    const askedAtMs = performance.now();
    try {
      const isOurs = await queue.extend(claim, leaseMs);
      outage.end();
      if (isOurs) this.#extendedAtMs = askedAtMs;
      else this.#end({ kind: 'lost' }, new Error('the job is in other hands'));
    } catch (error) {
      outage.go(error);
    }
  }

  /** The process has to end: the signal aborts, and the job is for others at once, without a failure. */
  giveBack(): void {
    this.#leaving.abort();
    this.#end({ kind: 'given back' }, new Fault('draining', { message: 'the process ends; the job runs again' }));
  }

  async #call(): Promise<void> {
    const { rule, claim, nextRunAtMs } = this.#parts;
    const { id, payload, attempts } = claim.job;
    const { signal } = this.#function;
    this.functionIsOver = false;
    try {
      await rule.run({ id, payload, number: attempts, signal, ...(nextRunAtMs !== undefined && { nextRunAtMs }) });
      this.#ending.resolve({ kind: 'done' });
    } catch (error) {
      this.#ending.resolve({ kind: 'failed', error });
    } finally {
      this.functionIsOver = true;
    }
  }

  #timeOut(): void {
    const error = new Error(`no end within ${spell(this.#parts.rule.timeoutMs)}`);
    error.name = 'TimeoutError';
    // Where a timer noticed it says nothing.
    error.stack = `${error.name}: ${error.message}`;
    this.#end({ kind: 'failed', error }, error);
  }

  /** Ends the attempt before the function does, if that is still to be. */
  #end(ending: Ending, reason: Error): void {
    this.#ending.resolve(ending);
    if (!this.functionIsOver) this.#function.abort(reason);
  }

  /** In this order, so that a claim for the place that is free now comes to the store behind the news, and shares its way and its commit. */
  #leave(ending: Ending): Promise<void> {
    const settled = this.#settle(ending);
    this.#parts.onOver();
    return settled;
  }

  /** Tells the store, again and again while it is away: also after the lease that counts, as long as nobody else took the job. */
  async #settle(ending: Ending): Promise<void> {
    const { outage } = this.#parts;
    const { signal } = this.#leaving;
    for (;;) {
      const isLast = signal.aborted;
      try {
        const isOurs = await this.#tell(ending);
        outage.end();
        this.#log(isOurs ? ending : { kind: 'lost' });
        if (isOurs) await this.#tidy(ending);
        return;
      } catch (error) {
        const waitMs = outage.go(error);
        // Then the end of the lease gives the job back.
        if (isLast || this.#isHopeless(error)) return;
        await delay(waitMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** A store that is away comes back. What else goes wrong may do so each time, and would occupy the place for ever. */
  #isHopeless(error: unknown): boolean {
    const isAway = error instanceof Fault && error.code === 'store_unavailable';
    return !isAway && performance.now() - this.#extendedAtMs > this.#parts.leaseMs;
  }

  /** Resolves with false when the job is not in our hands any more. */
  #tell(ending: Ending): Promise<boolean> {
    const { queue, claim } = this.#parts;
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

  /** Until the next attempt after a failure; undefined if there is none. */
  get #waitMs(): number | undefined {
    const { rule, claim } = this.#parts;
    return rule.retryAfterMs[claim.job.failures];
  }

  async #tidy(ending: Ending): Promise<void> {
    const { queue, rule, claim, outage } = this.#parts;
    if (rule.schedule === undefined || ending.kind !== 'failed' || this.#waitMs !== undefined) return;
    // What is left over is found by the next one.
    await keepLastFailure(queue.ledger, rule.name, claim.job.id).catch((error: unknown) => outage.go(error));
  }

  #log(ending: Ending): void {
    const { log, rule, claim } = this.#parts;
    logEnding(log, { job: claim.job, rule, ending, ms: performance.now() - this.#startedAtMs });
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

/** More than one is there only when this failed before. */
const MOST = 10;

/**
 * Of a schedule's runs that were set aside only the last one is kept: each is as good as any other, and one that fails every minute would
 * fill the store.
 */
async function keepLastFailure(ledger: Ledger, rule: string, id: string): Promise<void> {
  const dead = await ledger.list({ state: 'dead', rule, limit: MOST });
  for (const job of dead) if (job.id !== id) await ledger.drop(job.id);
}
