import { NOT_LOADED } from '../../contract/effect.ts';
import type { Exchange } from '../../contract/exchange.ts';
import { Fault } from '../../contract/fault.ts';
import type { Outcome, Params, Target } from '../../contract/target.ts';

/**
 * The target of a function that failed to load, or that is not loaded yet. It answers 500 instead
 * of passing, because the hop may have another answer for the path. `become` replaces it once a
 * slow module is loaded.
 */
export class UnreadyTarget implements Target {
  readonly name: string;
  /** Absent if the target that replaces this one has none. */
  describe?: NonNullable<Target['describe']> = () => NOT_LOADED;
  #cause: unknown;
  #target: Target | undefined;

  constructor(name: string, cause: unknown) {
    this.name = name;
    this.#cause = cause;
  }

  become(target: Target): void {
    this.#target = target;
    if (target.describe) this.describe = target.describe.bind(target);
    else delete this.describe;
  }

  /** The slow module failed with this cause. */
  fail(cause: unknown): void {
    this.#cause = cause;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    if (!this.#target) throw new Fault('function_error', { message: `${this.name} is not loaded`, cause: this.#cause });
    return this.#target.answer(exchange, params);
  }
}
