import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Answer } from '../contract/target.ts';
import { isDecodedByFetch } from './decoded-bodies.ts';
import { TextResponse } from './text-response.ts';
import { type Chunks, PieceChunks, toChunks } from './web-response-chunks.ts';
import { type WebResponse, WebResponseHead } from './web-response-head.ts';
import { type StreamWatch, StreamWriter } from './web-response-stream.ts';

/** Whether the value is a Response of any implementation, not plain data. */
export function isWebResponse(value: unknown): value is WebResponse {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, bodyUsed, arrayBuffer } = value as Partial<Response>; // each is checked
  return (
    typeof status === 'number' &&
    typeof bodyUsed === 'boolean' &&
    typeof arrayBuffer === 'function' &&
    typeof headers?.[Symbol.iterator] === 'function'
  );
}

export interface WriteOptions {
  /** Watches the body if it is streamed. */
  readonly watch?: StreamWatch | undefined;
  /** Use the standard reason phrase of the status instead of `statusText`. */
  readonly ownReason?: boolean;
}

/**
 * Sends a function's Response. Returns 'answered' if all bytes were passed to the connection at once. Else it resolves with 'answered' when they
 * are, or when the client has left; then the body is cancelled. Throws, or rejects with, `function_bad_answer` for a Response that
 * cannot be sent, and `function_error` if the body fails. A Fault thrown by the body (e.g. one of
 * the request's body) is rethrown unchanged. If it throws before the head is sent, no byte of the
 * response is sent.
 */
export function writeWebResponse(
  exchange: Exchange,
  webResponse: WebResponse,
  { watch, ownReason = false }: WriteOptions = {},
): Answer {
  const head = new WebResponseHead(exchange, TextResponse.partsOf(webResponse), ownReason);
  const text = TextResponse.take(webResponse);
  if (text !== undefined) {
    // A coded body consists of bytes, never of text.
    if (head.coding) head.leaveOutCoding();
    if (head.isWithoutBody) head.sendWithoutBody();
    else head.sendText(text);
    return 'answered';
  }
  const pieces = TextResponse.takePieces(webResponse);
  // A body of `fetch` is a stream.
  if (!pieces && isDecodedByFetch(webResponse.copyOf ?? webResponse, head.coding)) head.leaveOutCoding();
  const chunks = pieces ? new PieceChunks(pieces) : chunksOf(webResponse);
  if (head.isWithoutBody) {
    chunks?.cancel(new Error('this response must not have a body'));
    head.sendWithoutBody();
  } else if (chunks === undefined) {
    if (head.coding) head.leaveOutCoding();
    head.sendWith(NOTHING);
  } else {
    return new StreamWriter(exchange, head, chunks, watch).write();
  }
  return 'answered';
}

const NOTHING = new Uint8Array();

function chunksOf({ body, bodyUsed }: WebResponse): Chunks | undefined {
  if (bodyUsed || isLocked(body)) {
    throw new Fault('function_bad_answer', {
      message: 'the body of the Response is already used or locked by a reader',
    });
  }
  return body === null || body === undefined ? undefined : toChunks(body);
}

function isLocked(body: unknown): boolean {
  return body instanceof ReadableStream && body.locked;
}
