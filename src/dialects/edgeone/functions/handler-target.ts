import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { EventContext } from './event-context.ts';
import type { Handlers } from './handlers.ts';
import type { Platform } from './platform.ts';
import { writeResult } from './write-result.ts';

export interface HandlerTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handlers: Handlers;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
}

/** A file of handlers (`onRequest`, `onRequestGet`, …). Passes a method for which it has none, also HEAD beside GET. */
export class HandlerTarget implements Target {
  readonly name: string;
  readonly #handlers: Handlers;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;

  constructor({ name, handlers, platform, limits }: HandlerTargetParts) {
    this.name = name;
    this.#handlers = handlers;
    this.#platform = platform;
    this.#limits = limits;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const handler = this.#handlers.byMethod.get(exchange.request.method ?? '') ?? this.#handlers.any;
    if (!handler) return 'passed';
    this.#limits.limitBody(exchange);
    const context = new EventContext({ exchange, params, platform: this.#platform, file: this.name });
    let result: unknown;
    try {
      result = handler(context);
      if (isPromise(result)) result = await this.#limits.inTime(exchange, result);
    } catch (cause) {
      // A function may fail for what is not its doing, such as a body that is too large. A thrown Response is an error on the platform too.
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
    await writeResult(exchange, result);
    return 'answered';
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
