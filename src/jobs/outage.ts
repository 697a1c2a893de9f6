import type { Log } from '../contract/log.ts';

/** Short, so that a brief failure of the store delays jobs little. */
const SHORTEST_WAIT_MS = 250;
/**
 * Long enough that many processes do not overload a store that restarts, and short enough that jobs
 * resume soon.
 */
const LONGEST_WAIT_MS = 5000;

/**
 * A period in which calls to the store fail. It is logged once when it begins and once when it
 * ends.
 */
export class Outage {
  readonly #log: Log;
  readonly #effect: string;
  #sinceMs: number | undefined;

  /** `effect`: what does not happen during the outage, for the log. */
  constructor(log: Log, effect: string) {
    this.#log = log;
    this.#effect = effect;
  }

  /**
   * Records that a call to the store failed. Returns how many milliseconds to wait before the next
   * call: about as long as the outage has lasted, within limits.
   */
  begin(error: unknown): number {
    const nowMs = performance.now();
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      this.#log.error(`the store fails: ${this.#effect}`, { error });
    }
    const waitMs = Math.min(Math.max(nowMs - this.#sinceMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    // Processes that lost the store at the same time must not reconnect at the same time.
    return waitMs * (0.5 + Math.random() / 2);
  }

  /** Records that a call to the store succeeded. */
  end(): void {
    if (this.#sinceMs === undefined) return;
    this.#log.info('the store is back', { after_ms: Math.round(performance.now() - this.#sinceMs) });
    this.#sinceMs = undefined;
  }
}
