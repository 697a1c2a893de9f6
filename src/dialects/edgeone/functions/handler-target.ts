import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { EventContext } from './event-context.ts';
import type { Handlers } from './handlers.ts';
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

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const handler = this.#handlers.byMethod.get(exchange.request.method) ?? this.#handlers.any;
    if (!handler) return 'passed';
    this.#limits.limitBody(exchange);
    const body = this.#preparesBody ? await prepareBody(exchange) : undefined;
    const context = new EventContext({ exchange, params, platform: this.#platform, file: this.name, body });
    let result: unknown;
    try {
      result = handler(context);
      if (isPromise(result)) result = await this.#limits.inTime(exchange, result);
    } catch (cause) {
      // A Fault is not the function's error, e.g. a body that is too large. A thrown Response is an
      // error, as on the platform.
      throw cause instanceof Fault ? cause : new Fault('function_error', { cause });
    }
    await writeResult(exchange, result);
    return 'answered';
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** The platform's response when a function returns no value. */
const NO_RESULT = JSON.stringify({ error: 'Not Found', message: 'The requested path does not exist' });

/**
 * Writes the result of a handler: a Response unchanged, any other value as JSON, and the platform's
 * 404 for a falsy value (undefined, null, false, '', 0). WebSocket callbacks open a WebSocket; then
 * it resolves when the socket is closed. Throws `function_bad_answer` for a value that JSON cannot
 * hold.
 */
async function writeResult(exchange: Exchange, result: unknown): Promise<void> {
  if (isWebResponse(result)) return writeWebResponse(exchange, result);
  if (isWebSocketResult(result)) return openWebSocket(exchange, result);
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

function writeJson(exchange: Exchange, status: number, text: string): Promise<void> {
  // Explicit, because a response to HEAD has no body from which it could be computed.
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) };
  return writeWebResponse(exchange, new Response(text, { status, headers }));
}
