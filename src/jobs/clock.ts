import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import { Schedule } from '../contract/schedule.ts';
import type { Queue } from '../contract/store.ts';
import { Outage } from './outage.ts';

export interface ClockParts {
  readonly queue: Queue;
  readonly log: Log;
  /** Those without a schedule are not looked at. */
  readonly rules: readonly JobRule[];
  /** Default: this machine's. */
  readonly time?: Time;
}

/** A timer may be late and the wall clock may be set while it runs: then it is noticed so soon. */
const LONGEST_WAIT_MS = 30_000;

/** A run that comes later than this is one that was missed. */
const LATE_MS = 60_000;

interface Hand {
  readonly rule: JobRule;
  readonly schedule: Schedule;
  /** The last moment of which the store was told. */
  reportedMs: number | undefined;
}

/**
 * Pushes a job for each moment of each schedule, through `queue.tick`, so that many processes on one store push each moment once.
 *
 * What is due is always read from the wall clock anew: of moments that went by unseen (a late timer, a store that was away, a process
 * that was not there, a clock that was set) the last one alone is pushed.
 */
export class Clock {
  readonly #queue: Queue;
  readonly #log: Log;
  readonly #time: Time;
  readonly #outage: Outage;
  #hands: readonly Hand[];
  #stopTimer: () => void = () => {};
  /** The look at the clock that is under way. */
  #looking: Promise<void> | undefined;
  #runs = false;

  constructor({ queue, log, rules, time = SYSTEM_TIME }: ClockParts) {
    this.#queue = queue;
    this.#log = log;
    this.#time = time;
    this.#outage = new Outage(log, 'scheduled runs wait until it is back');
    this.#hands = toHands(rules);
  }

  /** Tells the store of each schedule's last moment at once, and of each further one when it comes. */
  start(): void {
    this.#runs = true;
    this.#look();
  }

  /** Takes other rules from now on, as after a reload of the site. */
  use(rules: readonly JobRule[]): void {
    this.#hands = toHands(rules);
    if (this.#runs) this.#look();
  }

  /** Stops; resolves when the store is not being asked any more. */
  async close(): Promise<void> {
    this.#runs = false;
    this.#stopTimer();
    await this.#looking;
  }

  /** One look at a time: the next one begins behind it. */
  #look(): void {
    this.#stopTimer();
    if (this.#looking) {
      void this.#looking.then(() => this.#runs && this.#look());
      return;
    }
    this.#looking = this.#tell().then((waitMs) => {
      this.#looking = undefined;
      if (this.#runs && waitMs !== undefined) this.#stopTimer = this.#time.after(waitMs, () => this.#look());
    });
  }

  /** Tells the store what is due. Resolves with how long there is nothing to do; undefined for ever. */
  async #tell(): Promise<number | undefined> {
    const hands = this.#hands;
    if (hands.length === 0) return undefined;
    const nowMs = this.#time.now();
    const results = await Promise.allSettled(hands.map((hand) => this.#reportOn(hand, nowMs)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) return this.#outage.go(failed.reason);
    this.#outage.end();
    const next = Math.min(...hands.map(({ schedule }) => schedule.nextAfter(nowMs) ?? Number.POSITIVE_INFINITY));
    return Math.min(Math.max(next - this.#time.now(), 0), LONGEST_WAIT_MS);
  }

  async #reportOn(hand: Hand, nowMs: number): Promise<void> {
    const { rule, schedule } = hand;
    const atMs = schedule.lastUntil(nowMs);
    if (atMs === undefined || atMs === hand.reportedMs) return;
    const payload = new TextEncoder().encode(JSON.stringify({ tickMs: atMs }));
    const outcome = await this.#queue.tick({ rule: rule.name, schedule: rule.schedule ?? '', atMs, payload });
    hand.reportedMs = atMs;
    const fields = { target: rule.file, rule: rule.name, due: new Date(atMs).toISOString() };
    if (outcome === 'busy') this.#log.warn('a scheduled run is left out: the one before it is not over', fields);
    if (outcome === 'pushed' && nowMs - atMs > LATE_MS)
      this.#log.info('a scheduled run that was missed is made up for', fields);
  }
}

function toHands(rules: readonly JobRule[]): readonly Hand[] {
  return rules
    .filter(({ schedule }) => schedule !== undefined)
    .map((rule) => ({ rule, schedule: new Schedule(rule.schedule ?? ''), reportedMs: undefined }));
}

/** The wall clock, and timers that may fire late. */
export interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once, after at least so long. Returns how to stop that. */
  after(ms: number, call: () => void): () => void;
}

export const SYSTEM_TIME: Time = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
