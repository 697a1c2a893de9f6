import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { isPromise } from '../../../contract/is-promise.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { EventContext } from './event-context.ts';
import type { Handler, Handlers } from './handlers.ts';
import type { Platform } from './platform.ts';
import { prepareBody } from './prepared-body.ts';
import { isWebSocketResult, openWebSocket } from './websocket-result.ts';

export interface HandlerTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handlers: Handlers;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
  /**
   * True: reads the whole body before the handler is called, and `request.body` is a value, as on
   * the platform. False: `request.body` is a stream, as in the Fetch standard.
   */
  readonly preparesBody: boolean;
}

/**
 * A file with handlers (`onRequest`, `onRequestGet`, …). Passes requests whose method has no
 * handler; `onRequestGet` does not handle HEAD.
 */
export class HandlerTarget implements Target {
  readonly name: string;
  readonly #handlers: Handlers;
  readonly #platform: Platform;
  readonly #limits: FunctionLimits;
  readonly #preparesBody: boolean;

  constructor({ name, handlers, platform, limits, preparesBody }: HandlerTargetParts) {
    this.name = name;
    this.#handlers = handlers;
    this.#platform = platform;
    this.#limits = limits;
    this.#preparesBody = preparesBody;
  }

  answer(exchange: Exchange, params: Params): Answer {
    const handler = this.#handlers.byMethod.get(exchange.request.method) ?? this.#handlers.any;
    if (!handler) return 'passed';
    this.#limits.limitBody(exchange);
    const parts = { exchange, params, platform: this.#platform, file: this.name };
    if (!this.#preparesBody) return this.#run(handler, exchange, new EventContext({ ...parts, body: undefined }));
    return prepareBody(exchange).then((body) => this.#run(handler, exchange, new EventContext({ ...parts, body })));
  }

  #run(handler: Handler, exchange: Exchange, context: EventContext): Answer {
    let result: unknown;
    try {
      result = handler(context);
    } catch (cause) {
      throw toFunctionFault(cause);
    }
    return isPromise(result) ? this.#await(exchange, result) : writeResult(exchange, result);
  }

  async #await(exchange: Exchange, promise: PromiseLike<unknown>): Promise<Outcome> {
    let result: unknown;
    try {
      result = await this.#limits.inTime(exchange, promise);
    } catch (cause) {
      throw toFunctionFault(cause);
    }
    return writeResult(exchange, result);
  }
}

/** A Fault is not the function's error, e.g. a body that is too large. A thrown Response is an error, as on the platform. */
function toFunctionFault(cause: unknown): Fault {
  return cause instanceof Fault ? cause : new Fault('function_error', { cause });
}

/** The platform's response when a function returns no value. */
const NO_RESULT = JSON.stringify({ error: 'Not Found', message: 'The requested path does not exist' });

/**
 * Writes the result of a handler: a Response unchanged, any other value as JSON, and the platform's
 * 404 for a falsy value (undefined, null, false, '', 0). WebSocket callbacks open a WebSocket; then
 * it resolves when the socket is closed. Throws `function_bad_answer` for a value that JSON cannot
 * hold.
 */
function writeResult(exchange: Exchange, result: unknown): Answer {
  if (isWebResponse(result)) return writeWebResponse(exchange, result);
  if (isWebSocketResult(result)) return openWebSocket(exchange, result).then(() => 'answered');
  return result ? writeJson(exchange, 200, toJson(result)) : writeJson(exchange, 404, NO_RESULT);
}

function toJson(result: unknown): string {
  const kind = typeof result;
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (cause) {
    throw new Fault('function_bad_answer', {
      message: `returned a value of type ${kind} that cannot be written as JSON`,
      cause,
    });
  }
  if (text === undefined) {
    throw new Fault('function_bad_answer', {
      message: `returned a value of type ${kind}; return a Response or a JSON value`,
    });
  }
  return text;
}

function writeJson(exchange: Exchange, status: number, text: string): Answer {
  // Explicit, because a response to HEAD has no body from which it could be computed.
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) };
  return writeWebResponse(exchange, new Response(text, { status, headers }));
}
