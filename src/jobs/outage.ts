import type { Log } from '../contract/log.ts';

/** Soon enough that a store which only stumbled is not waited for. */
const SHORTEST_WAIT_MS = 250;
/** Late enough that many processes do not wear down a store that gets up again, and nobody waits long for the first job after it. */
const LONGEST_WAIT_MS = 5000;

/** A time in which the store does not do what it is asked to: told once when it begins and once when it ends. */
export class Outage {
  readonly #log: Log;
  readonly #effect: string;
  #sinceMs: number | undefined;

  /** `effect`: what does not happen meanwhile, for the log. */
  constructor(log: Log, effect: string) {
    this.#log = log;
    this.#effect = effect;
  }

  /** The store rejected. Returns how many milliseconds to wait before it is asked again: about as long as the outage lasts, within limits. */
  go(error: unknown): number {
    const nowMs = performance.now();
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      this.#log.error(`the store fails: ${this.#effect}`, { error });
    }
    const waitMs = Math.min(Math.max(nowMs - this.#sinceMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    // Processes that lost the store together must not come back together.
    return waitMs * (0.5 + Math.random() / 2);
  }

  /** The store did what it was asked to. */
  end(): void {
    if (this.#sinceMs === undefined) return;
    this.#log.info('the store is back', { after_ms: Math.round(performance.now() - this.#sinceMs) });
    this.#sinceMs = undefined;
  }
}
