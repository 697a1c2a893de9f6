import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { isPromise } from '../../../contract/is-promise.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { Handler, Handlers } from './handlers.ts';
import { type PreparedBody, prepareBody } from './prepared-body.ts';

/** One call of a handler. */
export interface HandlerCall {
  readonly exchange: Exchange;
  readonly params: Params;
  /** Undefined: `request.body` is the standard's stream. */
  readonly body: PreparedBody | undefined;
}

export interface HandlerTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handlers: Handlers;
  readonly limits: FunctionLimits;
  /**
   * True: reads the whole body before the handler is called, and `request.body` is a value, as on
   * the platform. False: `request.body` is a stream, as in the Fetch standard.
   */
  readonly preparesBody: boolean;
  /** Creates the argument of the handler. */
  createContext(call: HandlerCall): object;
  /** Writes what the handler returned. */
  writeResult(exchange: Exchange, result: unknown): Answer;
}

/**
 * A file with handlers (`onRequest`, `onRequestGet`, …). Passes requests whose method has no
 * handler; `onRequestGet` does not handle HEAD.
 */
export class HandlerTarget implements Target {
  readonly name: string;
  readonly #parts: HandlerTargetParts;

  constructor(parts: HandlerTargetParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  answer(exchange: Exchange, params: Params): Answer {
    const { handlers, limits, preparesBody } = this.#parts;
    const handler = handlers.byMethod.get(exchange.request.method) ?? handlers.any;
    if (!handler) return 'passed';
    limits.limitBody(exchange);
    if (!preparesBody) return this.#run(handler, { exchange, params, body: undefined });
    return prepareBody(exchange).then((body) => this.#run(handler, { exchange, params, body }));
  }

  #run(handler: Handler, call: HandlerCall): Answer {
    const { exchange } = call;
    const context = this.#parts.createContext(call);
    let result: unknown;
    exchange.noteRun();
    try {
      result = handler(context);
    } catch (cause) {
      throw toFunctionFault(cause);
    }
    return isPromise(result) ? this.#await(exchange, result) : this.#parts.writeResult(exchange, result);
  }

  async #await(exchange: Exchange, promise: PromiseLike<unknown>): Promise<Outcome> {
    let result: unknown;
    try {
      result = await this.#parts.limits.inTime(exchange, promise);
    } catch (cause) {
      throw toFunctionFault(cause);
    }
    return this.#parts.writeResult(exchange, result);
  }
}

/** A Fault is not the function's error, e.g. a body that is too large. A thrown Response is an error, as on the platform. */
function toFunctionFault(cause: unknown): Fault {
  return cause instanceof Fault ? cause : new Fault('function_error', { cause });
}
