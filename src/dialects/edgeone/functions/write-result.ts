import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import { isWebSocketResult, openWebSocket } from './websocket-result.ts';

/** The platform's answer to a function that returns nothing. */
const NOTHING = JSON.stringify({ error: 'Not Found', message: 'The requested path does not exist' });

/**
 * Writes what a handler returned: a Response as it is, any other value as JSON, and for none (undefined, null, false, '', 0) the
 * platform's 404. Callbacks open a WebSocket, until whose end it does not resolve. Throws `function_bad_answer` for what is none of these.
 */
export async function writeResult(exchange: Exchange, result: unknown): Promise<void> {
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
