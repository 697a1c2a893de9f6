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
  /** `request.body` is a value, as on the platform, for which the whole body is read before the handler is called; else it is the standard's stream. */
  readonly preparesBody: boolean;
}

/** A file of handlers (`onRequest`, `onRequestGet`, …). Passes a method for which it has none, also HEAD beside GET. */
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
    const handler = this.#handlers.byMethod.get(exchange.request.method ?? '') ?? this.#handlers.any;
    if (!handler) return 'passed';
    this.#limits.limitBody(exchange);
    const body = this.#preparesBody ? await prepareBody(exchange) : undefined;
    const context = new EventContext({ exchange, params, platform: this.#platform, file: this.name, body });
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

/** The platform's answer to a function that returns nothing. */
const NOTHING = JSON.stringify({ error: 'Not Found', message: 'The requested path does not exist' });

/**
 * Writes what a handler returned: a Response as it is, any other value as JSON, and for none (undefined, null, false, '', 0) the
 * platform's 404. Callbacks open a WebSocket, until whose end it does not resolve. Throws `function_bad_answer` for what is none of these.
 */
async function writeResult(exchange: Exchange, result: unknown): Promise<void> {
  if (isWebResponse(result)) return writeWebResponse(exchange, result);
  if (isWebSocketResult(result)) return openWebSocket(exchange, result);
  return result ? writeJson(exchange, 200, toJson(result)) : writeJson(exchange, 404, NOTHING);
}

function toJson(result: unknown): string {
  const kind = typeof result;
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (cause) {
    throw new Fault('function_bad_answer', { message: `returned ${kind} that is no JSON`, cause });
  }
  if (text === undefined) {
    throw new Fault('function_bad_answer', { message: `returned a ${kind}; a Response is wanted` });
  }
  return text;
}

function writeJson(exchange: Exchange, status: number, text: string): Promise<void> {
  // The length is for HEAD, whose answer has no body to take it from.
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) };
  return writeWebResponse(exchange, new Response(text, { status, headers }));
}
