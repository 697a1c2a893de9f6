import { setTimeout as delay } from 'node:timers/promises';
import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import { Schedule } from '../contract/schedule.ts';
import type { Claim, Queue } from '../contract/store.ts';
import type { EndListener } from './ending.ts';
import { Outage } from './outage.ts';
import { Run, type RunParts } from './run.ts';

export interface WorkerParts extends Pick<RunParts, 'tracer'> {
  readonly queue: Queue;
  readonly log: Log;
  /** The rules whose jobs this worker runs. Jobs of other rules wait. */
  readonly rules: readonly JobRule[];
  /** Jobs at a time in all, plus one more that has a schedule. 0: the worker runs nothing. */
  readonly concurrency: number;
  /** Jobs of one rule at a time. A rule with a schedule has at most one. */
  readonly functionConcurrency: number;
  /** Default: 15 seconds. */
  readonly leaseMs?: number;
  /** Gets each attempt that has ended. */
  readonly onEnded?: EndListener | undefined;
}

/**
 * The lease ends this long after its process died. Jobs must run again within 30 seconds after
 * that: the lease, one check and the wait for a slot fit into it. An event loop that is blocked for
 * a shorter time loses no lease.
 */
const LEASE_MS = 15_000;

/** Jobs also become due without a notification, by a retry or an ended lease. */
const LOOK_MS = 1000;

/** The log line about jobs without a rule is a hint; it must not read a whole queue. */
const LOOKED_FOR = 10;

/** Claims that are made together. Each may bring 256 KB. */
const MOST_AT_ONCE = 16;

interface Served {
  readonly rule: JobRule;
  readonly slots: number;
  readonly schedule: Schedule | undefined;
}

/**
 * Runs the jobs of its rules in this process: claims jobs while a slot is free, extends their leases while they run, and sends the results to the queue. A job
 * that is not claimed is not held in memory, so the process may end at any moment.
 */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #leaseMs: number;
  readonly #claims: Outage;
  readonly #ends: Outage;
  /** The claimed jobs, each with a promise that resolves when the store has its result. */
  readonly #runs = new Map<Run, Promise<void>>();
  /** How many of them still run. */
  #running = 0;
  /** Used slots by rule name, including rules that a reload may bring back. */
  readonly #taken = new Map<string, number>();
  #served: ReadonlyMap<string, Served>;
  /** How many functions still run after their attempt ended. */
  #stragglers = 0;
  #state: 'idle' | 'open' | 'closed' = 'idle';
  #filling: Promise<void> | undefined;
  /** During `#takeAll` a notification arrived or a slot became free. */
  #isNotified = false;
  /** The last claims returned a job without a schedule, so more may wait. */
  #hasBacklog = false;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(parts: WorkerParts) {
    const { log, rules, leaseMs = LEASE_MS } = parts;
    this.#parts = parts;
    this.#leaseMs = leaseMs;
    this.#claims = new Outage(log, 'no jobs are started until it is back');
    this.#ends = new Outage(log, 'results of jobs are held in memory until it is back');
    this.#served = this.#serve(rules);
  }

  /** How many jobs are claimed and not yet reported to the store. */
  get size(): number {
    return this.#runs.size;
  }

  /** Starts to claim jobs. */
  start(): void {
    this.#state = 'open';
    this.#listen();
  }

  /** Replaces the rules. A running job ends under the rule with which it was started. */
  use(rules: readonly JobRule[]): void {
    this.#served = this.#serve(rules);
    if (this.#state === 'open') this.#listen();
  }

  /**
   * Stops claiming jobs. Running jobs have `graceMs` to end; then their signals abort and they are
   * released, so that another process can run them at once. Resolves when the store has all results
   * or has refused them.
   */
  async close(graceMs: number): Promise<void> {
    this.#state = 'closed';
    this.#stopListening?.();
    clearTimeout(this.#timer);
    const finished = this.#finished();
    const deadline = new AbortController();
    await Promise.race([finished, delay(graceMs, undefined, { signal: deadline.signal }).catch(() => {})]);
    deadline.abort();
    for (const run of this.#runs.keys()) run.giveBack();
    await finished;
  }

  async #finished(): Promise<void> {
    // A job whose claim is in flight is released when the claim returns.
    await this.#filling;
    await Promise.all(this.#runs.values());
  }

  #serve(rules: readonly JobRule[]): ReadonlyMap<string, Served> {
    return new Map(
      rules.map((rule) => [
        rule.name,
        {
          rule,
          slots: rule.schedule === undefined ? this.#parts.functionConcurrency : 1,
          schedule: rule.schedule === undefined ? undefined : new Schedule(rule.schedule, rule.timezone),
        },
      ]),
    );
  }

  /** Starts to listen and claim, if there is a job to run. */
  #listen(): void {
    if (this.#served.size === 0 || this.#parts.concurrency === 0) return;
    this.#stopListening ??= this.#parts.queue.onPush(() => this.#fill());
    this.#fill();
    void this.#reportOrphans();
  }

  /** Claims until all slots are used or no job is due. Runs once at a time. */
  #fill(): void {
    if (this.#state !== 'open') return;
    if (this.#filling) {
      this.#isNotified = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#filling = this.#takeAll().then((waitMs) => {
      this.#filling = undefined;
      if (this.#state !== 'open') return;
      // A notification that arrived after the last claim would otherwise be lost.
      this.#timer = setTimeout(() => this.#fill(), this.#isNotified ? 0 : waitMs);
    });
  }

  /** Resolves with the milliseconds until the next check. */
  async #takeAll(): Promise<number> {
    try {
      while (await this.#take());
      // Processes that started together must not query the store together.
      return LOOK_MS * (0.75 + Math.random() / 2);
    } catch (error) {
      // A notification does not help while the store cannot be queried.
      this.#isNotified = false;
      return this.#claims.begin(error);
    }
  }

  /** Resolves with false when no job is due or no slot is free. */
  async #take(): Promise<boolean> {
    this.#isNotified = false;
    const isFull = this.#isFull;
    const free = this.#free();
    if (free.length === 0) return false;
    const late = [...this.#runs.keys()].filter((run) => run.isLeaseLate);
    if (late.length > 0) await Promise.all(late.map((run) => run.keepLease()));
    const claimed = this.#toClaims(free).map((rules) => this.#claim(rules));
    const outcomes = await Promise.allSettled(claimed);
    const claims = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []));
    // A claim for schedules alone says nothing about other jobs.
    if (!isFull) this.#hasBacklog = claims.some(({ job }) => !this.#served.get(job.rule)?.schedule);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
    this.#claims.end();
    return claims.length > 0 || this.#isNotified;
  }

  /** The rules with free slots. One more slot is reserved for schedules, which must not be late. */
  #free(): readonly Served[] {
    if (this.#state !== 'open' || this.#running > this.#parts.concurrency || this.#isBehind) return [];
    const isFull = this.#isFull;
    return [...this.#served.values()]
      .filter(({ schedule }) => schedule !== undefined || !isFull)
      .map((served) => ({ ...served, slots: served.slots - (this.#taken.get(served.rule.name) ?? 0) }))
      .filter(({ slots }) => slots > 0);
  }

  get #isFull(): boolean {
    return this.#running >= this.#parts.concurrency;
  }

  /**
   * The rules of each claim that is made now. A claim returns the job that has been due longest. If
   * the last claims returned a job, more may wait, and claims that are made together cost a store
   * little more than one: they share the round trip and the commit. Each claim lists only rules
   * that would still have a free slot if every earlier claim of this batch returned that rule. With
   * a backlog, a scheduled job would wait until the backlog is done, so schedules then have a claim
   * of their own.
   */
  #toClaims(free: readonly Served[]): readonly (readonly string[])[] {
    if (!this.#hasBacklog) return [toNames(free)];
    const scheduled = free.filter(({ schedule }) => schedule);
    const others = free.filter(({ schedule }) => !schedule);
    const most = Math.min(MOST_AT_ONCE, this.#parts.concurrency - this.#running);
    const asked = Array.from({ length: most }, (_, before) => toNames(others.filter(({ slots }) => slots > before)));
    return [toNames(scheduled), ...asked].filter((names) => names.length > 0);
  }

  /** Starts the job as soon as its claim returns, even if other claims of the batch fail. */
  async #claim(rules: readonly string[]): Promise<Claim | undefined> {
    const claim = await this.#parts.queue.claim(rules, this.#leaseMs);
    if (claim) await this.#begin(claim);
    return claim;
  }

  async #begin(claim: Claim): Promise<void> {
    const { queue } = this.#parts;
    for (const run of this.#runs.keys()) if (run.adopt(claim)) return;
    const served = this.#served.get(claim.job.rule);
    // Since the claim was sent, the worker was closed or the rules were replaced.
    if (!served || this.#state !== 'open') {
      await queue.again(claim, Date.now());
      return;
    }
    const { rule, schedule } = served;
    const run = new Run({
      ...{ ...this.#parts, claim, rule, nextRunAtMs: schedule?.nextAfter(Date.now()), leaseMs: this.#leaseMs },
      outage: this.#ends,
      onOver: () => this.#end(run, rule),
      onEnding: ({ kind }) => this.#parts.onEnded?.(rule.name, kind),
    });
    this.#count(rule, 1);
    const finished = run.finish().then(() => this.#forget(run));
    this.#runs.set(run, finished);
  }

  #end(run: Run, rule: JobRule): void {
    this.#count(rule, -1);
    if (!run.functionIsOver && this.#state === 'open') this.#watch(run, rule);
    this.#fill();
  }

  #forget(run: Run): void {
    const wasBehind = this.#isBehind;
    this.#runs.delete(run);
    if (wasBehind) this.#fill();
  }

  /** The store is away or slow: the result of a further job could not be reported either. */
  get #isBehind(): boolean {
    return this.#runs.size - this.#running >= this.#parts.concurrency;
  }

  #count(rule: JobRule, change: 1 | -1): void {
    this.#running += change;
    this.#taken.set(rule.name, (this.#taken.get(rule.name) ?? 0) + change);
  }

  /** Logs a function that ignores its signal. It uses no slot: a few of them would block their rule. Each holds memory. */
  #watch(run: Run, rule: JobRule): void {
    const { log } = this.#parts;
    this.#stragglers++;
    log.warn(STRAGGLER, { target: rule.file, still_running: this.#stragglers });
    void run.functionEnd.then(() => {
      this.#stragglers--;
      log.info('a function ended after its attempt had ended', { target: rule.file, still_running: this.#stragglers });
    });
  }

  /** Logs once which jobs have no rule here, as after a deploy without their function. */
  async #reportOrphans(): Promise<void> {
    const { queue, log } = this.#parts;
    // The claims log a store that is away.
    const waiting = await queue.ledger.list({ state: 'waiting', limit: LOOKED_FOR }).catch(() => []);
    const names = new Set(waiting.map(({ rule }) => rule).filter((name) => !this.#served.has(name)));
    if (names.size > 0) log.warn(ORPHANS, { rules: [...names] });
  }
}

const STRAGGLER = 'a function still runs after its attempt ended; let it end when request.signal aborts';
const ORPHANS = 'jobs wait for functions that this site does not have; bring them back, or drop the jobs';

function toNames(served: readonly Served[]): readonly string[] {
  return served.map(({ rule }) => rule.name);
}
