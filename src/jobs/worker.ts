import { setTimeout as delay } from 'node:timers/promises';
import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import { Schedule } from '../contract/schedule.ts';
import type { Claim, Queue } from '../contract/store.ts';
import { Outage } from './outage.ts';
import { Run } from './run.ts';

export interface WorkerParts {
  readonly queue: Queue;
  readonly log: Log;
  /** What is run; jobs of any other rule wait. */
  readonly rules: readonly JobRule[];
  /** Runs at a time, in all, and one more that is by a schedule; 0: nothing is run. */
  readonly concurrency: number;
  /** Runs of one rule at a time. A schedule has one at most. */
  readonly functionConcurrency: number;
  /** Default: 15 seconds. */
  readonly leaseMs?: number;
}

/**
 * A claim ends so long after its process died. Jobs shall run again within 30 seconds of that: a lease, a look and a turn behind others fit in.
 * An event loop that is blocked for less time loses nothing.
 */
const LEASE_MS = 15_000;

/** Jobs become due without anybody telling, by a retry or an ended lease. One cheap question a second costs a store next to nothing. */
const LOOK_MS = 1000;

/** What is told of jobs that nobody runs is a hint; it must not read a whole queue. */
const LOOKED_FOR = 10;

/** Claims that are made together: each may bring 256 KB, and they are begun one after the other. */
const MOST_AT_ONCE = 16;

interface Served {
  readonly rule: JobRule;
  readonly places: number;
  readonly schedule: Schedule | undefined;
}

/**
 * Runs the jobs of its rules, in this process: claims them while there is a free place, holds their leases while they
 * run, and tells the queue what came of them. Knows no job before it is claimed, so it may end at any moment.
 */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #leaseMs: number;
  readonly #claims: Outage;
  readonly #ends: Outage;
  /** Those in hand, with when each is finished, which is when the store knows what came of it. */
  readonly #runs = new Map<Run, Promise<void>>();
  /** How many of them are not over. */
  #running = 0;
  /** Locations taken, by rule; those of a rule that is gone too, for when it comes back. */
  readonly #taken = new Map<string, number>();
  #served: ReadonlyMap<string, Served>;
  /** Functions that go on though their attempt is over. */
  #stragglers = 0;
  #state: 'idle' | 'open' | 'closed' = 'idle';
  #filling: Promise<void> | undefined;
  /** While places were being filled, somebody said that a job may be due, or a place became free. */
  #isAskedAgain = false;
  /** The last claims had a job that has no schedule, so more may wait. */
  #hasBacklog = false;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(parts: WorkerParts) {
    const { log, rules, leaseMs = LEASE_MS } = parts;
    this.#parts = parts;
    this.#leaseMs = leaseMs;
    this.#claims = new Outage(log, 'no jobs are begun until it is back');
    this.#ends = new Outage(log, 'what comes of running jobs is kept here until it is back');
    this.#served = this.#serve(rules);
  }

  /** How many jobs are in hand. */
  get size(): number {
    return this.#runs.size;
  }

  /** Begins to take jobs. */
  start(): void {
    this.#state = 'open';
    this.#attend();
  }

  /** Takes other rules from now on, as after a reload of the site. What runs is finished by the rule under which it began. */
  use(rules: readonly JobRule[]): void {
    this.#served = this.#serve(rules);
    if (this.#state === 'open') this.#attend();
  }

  /**
   * Takes no more jobs. Those in hand have `graceMs` to end; then their signals abort and they are given back, to be run again at once by
   * somebody else. Resolves when the store knows, or has refused to.
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
    // What is being claimed just now is given back there.
    await this.#filling;
    await Promise.all(this.#runs.values());
  }

  #serve(rules: readonly JobRule[]): ReadonlyMap<string, Served> {
    return new Map(
      rules.map((rule) => [
        rule.name,
        {
          rule,
          places: rule.schedule === undefined ? this.#parts.functionConcurrency : 1,
          schedule: rule.schedule === undefined ? undefined : new Schedule(rule.schedule),
        },
      ]),
    );
  }

  /** A process that runs nothing leaves the store alone. */
  #attend(): void {
    if (this.#served.size === 0 || this.#parts.concurrency === 0) return;
    this.#stopListening ??= this.#parts.queue.onPush(() => this.#fill());
    this.#fill();
    void this.#reportOrphans();
  }

  /** Claims until every place is taken or nothing is due. Once at a time. */
  #fill(): void {
    if (this.#state !== 'open') return;
    if (this.#filling) {
      this.#isAskedAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#filling = this.#takeAll().then((waitMs) => {
      this.#filling = undefined;
      if (this.#state !== 'open') return;
      // What was said behind the last look is lost otherwise.
      this.#timer = setTimeout(() => this.#fill(), this.#isAskedAgain ? 0 : waitMs);
    });
  }

  /** Resolves with how long to wait for the next look. */
  async #takeAll(): Promise<number> {
    try {
      while (await this.#take());
      // Processes that began together shall not ask together.
      return LOOK_MS * (0.75 + Math.random() / 2);
    } catch (error) {
      // Whatever was said, the store cannot be asked just now.
      this.#isAskedAgain = false;
      return this.#claims.go(error);
    }
  }

  /** False when there is nothing to be had, or no place for it. */
  async #take(): Promise<boolean> {
    this.#isAskedAgain = false;
    const isFull = this.#isFull;
    const free = this.#free();
    if (free.length === 0) return false;
    const late = [...this.#runs.keys()].filter((run) => run.isLeaseLate);
    if (late.length > 0) await Promise.all(late.map((run) => run.keepLease()));
    const asked = this.#ask(free).map((rules) => this.#claim(rules));
    const outcomes = await Promise.allSettled(asked);
    const claims = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? (outcome.value ?? []) : []));
    // What is asked for schedules alone tells nothing of the others.
    if (!isFull) this.#hasBacklog = claims.some(({ job }) => !this.#served.get(job.rule)?.schedule);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
    this.#claims.end();
    return claims.length > 0 || this.#isAskedAgain;
  }

  /** When every place is taken, one more is kept for schedules: functions that run for minutes would hold up what has its time. */
  #free(): readonly Served[] {
    if (this.#state !== 'open' || this.#running > this.#parts.concurrency || this.#isBehind) return [];
    const isFull = this.#isFull;
    return [...this.#served.values()]
      .filter(({ schedule }) => schedule !== undefined || !isFull)
      .map((served) => ({ ...served, places: served.places - (this.#taken.get(served.rule.name) ?? 0) }))
      .filter(({ places }) => places > 0);
  }

  get #isFull(): boolean {
    return this.#running >= this.#parts.concurrency;
  }

  /**
   * The rules of each claim that is made now. Jobs that are due longest come first; where there was one, more may wait, and claims that are made together cost a
   * store little more than one: they share the way and the commit. Whatever they get has a place: a claim is for those rules that have one
   * left if all claims before it get the same. Behind a backlog a schedule would wait for all of it, so then it has a claim of its own.
   */
  #ask(free: readonly Served[]): readonly (readonly string[])[] {
    if (!this.#hasBacklog) return [toNames(free)];
    const scheduled = free.filter(({ schedule }) => schedule);
    const others = free.filter(({ schedule }) => !schedule);
    const most = Math.min(MOST_AT_ONCE, this.#parts.concurrency - this.#running);
    const asked = Array.from({ length: most }, (_, before) => toNames(others.filter(({ places }) => places > before)));
    return [toNames(scheduled), ...asked].filter((names) => names.length > 0);
  }

  /** Begins the job as soon as it is there, whatever becomes of claims that are made with it. */
  async #claim(rules: readonly string[]): Promise<Claim | undefined> {
    const claim = await this.#parts.queue.claim(rules, this.#leaseMs);
    if (claim) await this.#begin(claim);
    return claim;
  }

  async #begin(claim: Claim): Promise<void> {
    const { queue, log } = this.#parts;
    const served = this.#served.get(claim.job.rule);
    // Closed, or with other rules, since it was asked for.
    if (!served || this.#state !== 'open') {
      await queue.again(claim, Date.now());
      return;
    }
    const { rule, schedule } = served;
    const nextRunAtMs = schedule?.nextAfter(Date.now());
    const onOver = (): void => this.#end(run, rule);
    const run = new Run({ queue, claim, rule, nextRunAtMs, leaseMs: this.#leaseMs, outage: this.#ends, log, onOver });
    this.#count(rule, 1);
    this.#runs.set(
      run,
      run.finish().then(() => this.#forget(run)),
    );
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

  /** The store is away, or slow: nothing more is begun of which it would have to be told. */
  get #isBehind(): boolean {
    return this.#runs.size - this.#running >= this.#parts.concurrency;
  }

  #count(rule: JobRule, change: 1 | -1): void {
    this.#running += change;
    this.#taken.set(rule.name, (this.#taken.get(rule.name) ?? 0) + change);
  }

  /**
   * A function that ignores its signal cannot be ended. It keeps no place: a few that hang would be the end of their rule, without anybody
   * knowing. How many there are is told with each, as they do keep memory.
   */
  #watch(run: Run, rule: JobRule): void {
    const { log } = this.#parts;
    this.#stragglers++;
    log.warn('a function goes on after its attempt is over', { target: rule.file, going_on: this.#stragglers });
    void run.functionEnd.then(() => {
      this.#stragglers--;
      log.info('a function ended after its attempt was over', { target: rule.file, going_on: this.#stragglers });
    });
  }

  /** Tells once which jobs nobody here runs, as after a deploy without their function. */
  async #reportOrphans(): Promise<void> {
    const { queue, log } = this.#parts;
    // A store that is away is told of by the claims.
    const waiting = await queue.ledger.list({ state: 'waiting', limit: LOOKED_FOR }).catch(() => []);
    const names = new Set(waiting.map(({ rule }) => rule).filter((name) => !this.#served.has(name)));
    if (names.size > 0) log.warn('jobs wait for functions that are not there', { rules: [...names] });
  }
}

function toNames(served: readonly Served[]): readonly string[] {
  return served.map(({ rule }) => rule.name);
}
