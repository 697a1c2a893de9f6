import { randomBytes } from 'node:crypto';

/**
 * Parts of keys that sort by the time of their making, with an own count for those of one
 * millisecond. Two processes never make the same one.
 */
export class Sequence {
  readonly #suffix = randomBytes(3).toString('hex');
  #lastMs = 0;
  #count = 0;

  next(): string {
    const nowMs = Date.now();
    this.#count = nowMs > this.#lastMs ? 0 : this.#count + 1;
    // A clock that was set back must not put an entry before an older one.
    this.#lastMs = Math.max(nowMs, this.#lastMs);
    return `${String(this.#lastMs).padStart(15, '0')}${String(this.#count).padStart(6, '0')}${this.#suffix}`;
  }
}
