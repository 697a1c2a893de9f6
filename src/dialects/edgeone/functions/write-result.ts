import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Answer } from '../../../contract/target.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { findPairSocket } from './websocket-pair.ts';
import { isWebSocketResult, openWebSocket } from './websocket-result.ts';

/** The platform's response when a function returns no value. */
const NO_RESULT = JSON.stringify({ error: 'Not Found', message: 'The requested path does not exist' });

/**
 * Writes the result of a handler: a Response unchanged, any other value as JSON, and the platform's
 * 404 for a falsy value (undefined, null, false, '', 0). WebSocket callbacks open a WebSocket; then
 * it resolves when the socket is closed. Throws `function_bad_answer` for a value that JSON cannot
 * hold.
 */
export function writeResult(exchange: Exchange, result: unknown): Answer {
  if (isWebResponse(result)) {
    const pair = findPairSocket(result);
    return pair ? openWebSocket(exchange, pair).then(() => 'answered') : writeWebResponse(exchange, result);
  }
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
