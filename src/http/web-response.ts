import { Fault } from '../fault.ts';
import type { Exchange } from './exchange.ts';
import { BodyWriter } from './web-response-body.ts';
import { WebResponseHead } from './web-response-head.ts';

/**
 * What is needed of a Response to send it. Beside the global class it fits those of another realm, the undici package and node-fetch, whose body may
 * be a Node stream.
 */
export interface WebResponse {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: unknown;
  readonly bodyUsed: boolean;
}

/** Tells a Response of any make from plain data. */
export function isWebResponse(value: unknown): value is WebResponse {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, bodyUsed, arrayBuffer } = value as Partial<Response>; // each one is looked at
  return (
    typeof status === 'number' &&
    typeof bodyUsed === 'boolean' &&
    typeof arrayBuffer === 'function' &&
    typeof headers?.[Symbol.iterator] === 'function'
  );
}

/**
 * Writes a function's Response as the answer; resolves when all of it is handed to the connection, or when the client has left (its body is then cancelled).
 * Throws `function_bad_answer` for what cannot be sent, `function_error` when the body fails; if that comes before the head is sent, nothing is.
 */
export async function writeWebResponse(exchange: Exchange, webResponse: WebResponse): Promise<void> {
  const { body } = webResponse;
  const head = new WebResponseHead(exchange, webResponse);
  if (webResponse.bodyUsed || isLocked(body)) {
    throw new Fault('function_bad_answer', { message: 'the body of the Response was read already' });
  }
  const writer = new BodyWriter(exchange, head, body);
  await writer.write();
}

function isLocked(body: unknown): boolean {
  return body instanceof ReadableStream && body.locked;
}
