import { Fault } from '../../fault.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { Outcome, Params, Target } from '../../target.ts';
import { EventContext } from './event-context.ts';
import type { Handlers } from './handlers.ts';
import type { Platform } from './platform.ts';
import { writeResult } from './write-result.ts';

export interface HandlerTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handlers: Handlers;
  readonly platform: Platform;
}

/** A file of handlers (`onRequest`, `onRequestGet`, …). Passes a method for which it has none, also HEAD beside GET. */
export class HandlerTarget implements Target {
  readonly name: string;
  readonly #handlers: Handlers;
  readonly #platform: Platform;

  constructor({ name, handlers, platform }: HandlerTargetParts) {
    this.name = name;
    this.#handlers = handlers;
    this.#platform = platform;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const handler = this.#handlers.byMethod.get(exchange.request.method ?? '') ?? this.#handlers.any;
    if (!handler) return 'passed';
    const context = new EventContext({ exchange, params, platform: this.#platform, file: this.name });
    let result: unknown;
    try {
      result = await handler(context);
    } catch (cause) {
      // A function may fail for what is not its doing, such as a body that is too large. A thrown Response is an error on the platform too.
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
    await writeResult(exchange, result);
    return 'answered';
  }
}
