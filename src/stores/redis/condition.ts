import type { Log } from '../../contract/log.ts';
import type { Needs } from './script.ts';
import type { Trouble } from './trouble.ts';

const RANK: Readonly<Record<Needs, number>> = { reading: 0, writing: 1, memory: 2 };

/**
 * Whether Redis does what it is there for, as the log tells it: once when it stops to, once when it does again, however many
 * verbs fail meanwhile.
 */
export class Condition {
  readonly #log: Log;
  readonly #name: string;
  #trouble: Trouble | undefined;
  #sinceMs = 0;

  constructor(log: Log, name: string) {
    this.#log = log;
    this.#name = name;
  }

  bad(trouble: Trouble): void {
    if (this.#trouble && RANK[this.#trouble.needs] <= RANK[trouble.needs]) return;
    if (!this.#trouble) this.#sinceMs = performance.now();
    this.#trouble = trouble;
    this.#log.warn(`${this.#name} ${trouble.words}; what needs it is answered with store_unavailable until it is back`);
  }

  /** Something that needs `needs` worked. That a replica can be read does not say that it takes writes again. */
  good(needs: Needs): void {
    if (!this.#trouble || RANK[needs] < RANK[this.#trouble.needs]) return;
    this.#trouble = undefined;
    const seconds = ((performance.now() - this.#sinceMs) / 1000).toFixed(1);
    this.#log.info(`${this.#name} is back after ${seconds} s`);
  }
}
