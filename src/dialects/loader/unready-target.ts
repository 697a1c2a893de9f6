import type { Exchange } from '../../contract/exchange.ts';
import { Fault } from '../../contract/fault.ts';
import type { Outcome, Params, Target } from '../../contract/target.ts';

/**
 * The place of a function that does not work: its route must not fall through to the hop, where something else might answer in its name.
 * It may still become what it should be, when a module takes long to load.
 */
export class UnreadyTarget implements Target {
  readonly name: string;
  #cause: unknown;
  #target: Target | undefined;

  constructor(name: string, cause: unknown) {
    this.name = name;
    this.#cause = cause;
  }

  become(target: Target): void {
    this.#target = target;
  }

  /** It will not become anything, for that cause. */
  fail(cause: unknown): void {
    this.#cause = cause;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    if (!this.#target) throw new Fault('function_error', { message: `${this.name} is not loaded`, cause: this.#cause });
    return this.#target.answer(exchange, params);
  }
}
