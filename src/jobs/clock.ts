import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import { Schedule } from '../contract/schedule.ts';
import type { Queue } from '../contract/store.ts';
import { Outage } from './outage.ts';

export interface ClockParts {
  readonly queue: Queue;
  readonly log: Log;
  /** Rules without a schedule are ignored. */
  readonly rules: readonly JobRule[];
  /** Default: the clock and timers of this machine. */
  readonly time?: Time;
}

/**
 * A timer may be late and the wall clock may be set while it runs. This limit bounds how late that
 * is noticed.
 */
const LONGEST_WAIT_MS = 30_000;

/** A run that is pushed later than this counts as missed and is logged. */
const LATE_MS = 60_000;

interface ScheduledRule {
  readonly rule: JobRule;
  readonly schedule: Schedule;
  /** The last moment that was reported to the store. */
  reportedMs: number | undefined;
}

/**
 * Pushes a job for each moment of each schedule through `queue.tick`, so that many processes on one
 * store push each moment once.
 *
 * Each check reads the wall clock anew. Several moments may have passed unseen: a timer was late,
 * the store was away, the process did not run, or the clock was set. Then only the last of them is
 * pushed.
 */
export class Clock {
  readonly #queue: Queue;
  readonly #log: Log;
  readonly #time: Time;
  readonly #outage: Outage;
  #entries: readonly ScheduledRule[];
  #stopTimer: () => void = () => {};
  /** The check that is in flight. */
  #checking: Promise<void> | undefined;
  #runs = false;

  constructor({ queue, log, rules, time = SYSTEM_TIME }: ClockParts) {
    this.#queue = queue;
    this.#log = log;
    this.#time = time;
    this.#outage = new Outage(log, 'scheduled runs wait until it is back');
    this.#entries = toEntries(rules);
  }

  /**
   * Reports the last moment of each schedule to the store at once, and each later moment when it is
   * due.
   */
  start(): void {
    this.#runs = true;
    this.#check();
  }

  /** Replaces the rules, as after a reload of the site. */
  use(rules: readonly JobRule[]): void {
    this.#entries = toEntries(rules);
    if (this.#runs) this.#check();
  }

  /** Stops the clock. Resolves when no call to the store is in flight. */
  async close(): Promise<void> {
    this.#runs = false;
    this.#stopTimer();
    await this.#checking;
  }

  /** One check at a time: a check that is requested meanwhile starts after it. */
  #check(): void {
    this.#stopTimer();
    if (this.#checking) {
      void this.#checking.then(() => this.#runs && this.#check());
      return;
    }
    this.#checking = this.#reportDue().then((waitMs) => {
      this.#checking = undefined;
      if (this.#runs && waitMs !== undefined) this.#stopTimer = this.#time.after(waitMs, () => this.#check());
    });
  }

  /**
   * Reports what is due to the store. Resolves with the milliseconds until the next check;
   * undefined if there is no schedule.
   */
  async #reportDue(): Promise<number | undefined> {
    const entries = this.#entries;
    if (entries.length === 0) return undefined;
    const nowMs = this.#time.now();
    const results = await Promise.allSettled(entries.map((entry) => this.#reportOn(entry, nowMs)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) return this.#outage.begin(failed.reason);
    this.#outage.end();
    const next = Math.min(...entries.map(({ schedule }) => schedule.nextAfter(nowMs) ?? Number.POSITIVE_INFINITY));
    return Math.min(Math.max(next - this.#time.now(), 0), LONGEST_WAIT_MS);
  }

  async #reportOn(entry: ScheduledRule, nowMs: number): Promise<void> {
    const { rule, schedule } = entry;
    const atMs = schedule.lastUntil(nowMs);
    if (atMs === undefined || atMs === entry.reportedMs) return;
    const payload = new TextEncoder().encode(JSON.stringify({ tickMs: atMs }));
    const text = [rule.schedule, rule.timezone].filter(Boolean).join(' ');
    const outcome = await this.#queue.tick({ rule: rule.name, schedule: text, atMs, payload });
    entry.reportedMs = atMs;
    const details = { target: rule.file, rule: rule.name, due: new Date(atMs).toISOString() };
    if (outcome === 'busy')
      this.#log.warn(
        'a scheduled run was skipped: the previous run has not ended; let it end sooner, or schedule it less often',
        details,
      );
    if (outcome === 'pushed' && nowMs - atMs > LATE_MS)
      this.#log.info('a missed scheduled run was pushed late', details);
  }
}

function toEntries(rules: readonly JobRule[]): readonly ScheduledRule[] {
  return rules
    .filter(({ schedule }) => schedule !== undefined)
    .map((rule) => ({ rule, schedule: new Schedule(rule.schedule ?? '', rule.timezone), reportedMs: undefined }));
}

/** A wall clock, and timers that may fire late. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `call` once, after at least `ms`. Returns a function that cancels the call. */
  after(ms: number, call: () => void): () => void;
}

export const SYSTEM_TIME: Time = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
