import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/**
 * What Node's own HTTP server does with the insides of a request and a response, for which there is no public call
 * (docs/dependencies-internals.md). All of it is here.
 */

interface MessageInsides {
  _addHeaderLines(flat: readonly string[], length: number): void;
  /** Since Node 24.12. */
  _dumpAndCloseReadable?(): void;
}

interface ResponseInsides {
  readonly _headerSent: boolean;
  readonly _last: boolean;
  _closed: boolean;
  _keepAliveTimeout: number;
  destroyed: boolean;
}

/** Sets the header list; `headers` and `headersDistinct` are made of it at the first read. Of a complete message: the trailers. */
export function addHeaderLines(message: IncomingMessage, flat: readonly string[]): void {
  (message as unknown as MessageInsides)._addHeaderLines(flat, flat.length);
}

/**
 * Nothing reads the message, which has no body, and nothing listens to it: it is read to its end and closed without the turns and events that this
 * takes otherwise. False if this Node cannot do that.
 */
export function closeEmpty(message: IncomingMessage): boolean {
  const insides = message as unknown as MessageInsides;
  if (!insides._dumpAndCloseReadable) return false;
  insides._dumpAndCloseReadable();
  return true;
}

/** The head or the framing says that the connection is closed after the response. */
export function isLast(response: ServerResponse): boolean {
  return (response as unknown as ResponseInsides)._last;
}

/** The response that was assigned to a socket. */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** The head leaves with the next content. */
export function isHeadWaiting(response: ServerResponse): boolean {
  return !(response as unknown as ResponseInsides)._headerSent;
}

/** For the header `Keep-Alive: timeout=`. */
export function setKeepAliveMs(response: ServerResponse, keepAliveMs: number): void {
  (response as unknown as ResponseInsides)._keepAliveTimeout = keepAliveMs;
}

/** For a complete response (_http_server.js, emitCloseNT). Idempotent. */
export function emitClose(response: ServerResponse): void {
  const insides = response as unknown as ResponseInsides;
  if (insides._closed) return;
  insides.destroyed = true;
  insides._closed = true;
  response.emit('close');
}

/** The connection takes bytes again (_http_server.js, socketOnDrain). */
export function emitDrain(response: ServerResponse): void {
  if (!response.writableNeedDrain || response.writableLength > 0) return;
  if (NEED_DRAIN !== undefined) (response as unknown as Record<symbol, unknown>)[NEED_DRAIN] = false;
  response.emit('drain');
}

/** The response is complete: the end of the connection does not abort `request.signal` any more (_http_server.js, resOnFinish). */
export function detachSignal(message: IncomingMessage): void {
  if (DETACH_SIGNAL === undefined) return;
  (message as unknown as Record<symbol, () => void>)[DETACH_SIGNAL]?.();
}

/** The `onread` option of `net.connect`. */
interface OnRead {
  readonly buffer: () => Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

interface SocketInsides {
  readonly _handle: { readonly useUserBuffer?: (buffer: Uint8Array) => void } | null;
  [symbol: symbol]: unknown;
}

/** The effect of `onread`, for a socket that a server accepted (net.js, initSocketHandle). False: this version of Node does not allow it. */
export function readInto(socket: Socket, { buffer, callback }: OnRead): boolean {
  const insides = socket as unknown as SocketInsides;
  const handle = insides._handle;
  if (!BUFFER || !BUFFER_CALLBACK || !BUFFER_MAKER || !handle?.useUserBuffer || 'encrypted' in socket) return false;
  const first = buffer();
  insides[BUFFER] = first;
  insides[BUFFER_CALLBACK] = callback;
  insides[BUFFER_MAKER] = buffer;
  handle.useUserBuffer(first);
  return true;
}

// None of these objects needs a connection until it is used.
const [BUFFER, BUFFER_CALLBACK, BUFFER_MAKER] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((description) =>
  findSymbol(new Socket(), description),
);
const NEED_DRAIN = findSymbol(new ServerResponse(new IncomingMessage(undefined as never)), 'kNeedDrain');
const DETACH_SIGNAL = findSymbol(IncomingMessage.prototype, 'kDetachAbortSignal');

function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((each) => each.description === description);
}
