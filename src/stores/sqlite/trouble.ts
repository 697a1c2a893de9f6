import { monotonicMs } from './monotonic.ts';

/** A store that fails is told of now and then, not at the rate of requests. */
const TOLD_EACH_MS = 10_000;

/** Decides what of many failures, with successes between them, is worth a line in the log. */
export class Trouble {
  #lastMs: number | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** To be asked at each failure: whether to tell of it. */
  isNews(): boolean {
    this.#lastMs = monotonicMs();
    if (this.#lastMs < this.#toldMs + TOLD_EACH_MS) return false;
    this.#toldMs = this.#lastMs;
    return true;
  }

  /** To be asked at each success: whether to tell that the failures are over, which is once. */
  isOver(): boolean {
    if (this.#lastMs === undefined || monotonicMs() < this.#lastMs + TOLD_EACH_MS) return false;
    this.#lastMs = undefined;
    this.#toldMs = Number.NEGATIVE_INFINITY;
    return true;
  }
}
