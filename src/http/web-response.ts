import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { isDecodedByFetch } from './decoded-bodies.ts';
import { TextResponse } from './text-response.ts';
import { type Chunks, toChunks } from './web-response-chunks.ts';
import { type WebResponse, WebResponseHead } from './web-response-head.ts';
import { type StreamWatch, StreamWriter } from './web-response-stream.ts';

/** Tells a Response of any make from plain data. */
export function isWebResponse(value: unknown): value is WebResponse {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, bodyUsed, arrayBuffer } = value as Partial<Response>; // each is looked at
  return (
    typeof status === 'number' &&
    typeof bodyUsed === 'boolean' &&
    typeof arrayBuffer === 'function' &&
    typeof headers?.[Symbol.iterator] === 'function'
  );
}

export interface WriteOptions {
  /** Looks after the body if it has to be streamed. */
  readonly watch?: StreamWatch | undefined;
  /** The reason phrase is the status's own, whatever `statusText` says. */
  readonly ownReason?: boolean;
}

/**
 * Writes a function's Response as the answer. Resolves when all of it is handed to the connection, or when the client has
 * left; the body is then cancelled. Throws `function_bad_answer` for what cannot be sent and `function_error` when the
 * body fails; a Fault that comes out of the body (its request's, say) is thrown as it is. Before the head is sent, nothing
 * of the answer is.
 */
export async function writeWebResponse(
  exchange: Exchange,
  webResponse: WebResponse,
  { watch, ownReason = false }: WriteOptions = {},
): Promise<void> {
  const head = new WebResponseHead(exchange, webResponse, ownReason);
  const text = TextResponse.take(webResponse);
  if (text !== undefined) {
    // No text is coded: it would be bytes.
    if (head.coding) head.leaveOutCoding();
    if (head.isAll) head.sendAlone();
    else head.sendText(text);
    return;
  }
  if (isDecodedByFetch(webResponse.copyOf ?? webResponse, head.coding)) head.leaveOutCoding();
  const chunks = chunksOf(webResponse);
  if (head.isAll) {
    chunks?.cancel(new Error('this answer has no body'));
    head.sendAlone();
  } else if (chunks === undefined) {
    if (head.coding) head.leaveOutCoding();
    head.sendWith(NOTHING);
  } else {
    await new StreamWriter(exchange, head, chunks, watch).write();
  }
}

const NOTHING = new Uint8Array();

function chunksOf({ body, bodyUsed }: WebResponse): Chunks | undefined {
  if (bodyUsed || isLocked(body)) {
    throw new Fault('function_bad_answer', { message: 'the body of the Response is read already, or about to be' });
  }
  return body === null || body === undefined ? undefined : toChunks(body);
}

function isLocked(body: unknown): boolean {
  return body instanceof ReadableStream && body.locked;
}
