import { Fault } from '../../../contract/fault.ts';

const MINUTE_MS = 60_000;

/** Addresses that are counted at a time: an attacker with more of them meets no limit anyway. */
const MOST_ADDRESSES = 100_000;

/** How many submissions one client may send in a minute to this process. */
export class SubmissionRate {
  readonly #perMinute: number;
  readonly #now: () => number;
  #counts = new Map<string, number>();
  #endsAtMs = 0;

  /** `perMinute`: 0 for no limit. `now`: milliseconds of a clock that is never set. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Throws `rate_limited` for a submission above the limit. */
  count(address: string): void {
    if (this.#perMinute === 0) return;
    const nowMs = this.#now();
    if (nowMs >= this.#endsAtMs || this.#counts.size >= MOST_ADDRESSES) {
      this.#counts = new Map();
      this.#endsAtMs = nowMs + MINUTE_MS;
    }
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    if (count <= this.#perMinute) return;
    const seconds = Math.max(1, Math.ceil((this.#endsAtMs - nowMs) / 1000));
    throw new Fault('rate_limited', {
      message: `more than ${this.#perMinute} submissions a minute from ${address}`,
      headers: ['Retry-After', String(seconds)],
    });
  }
}
