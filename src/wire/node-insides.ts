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
  _headerSent: boolean;
  readonly _header: string | null;
  readonly _last: boolean;
  readonly strictContentLength: boolean;
  _contentLength: number | null;
  finished: boolean;
  _implicitHeader(): void;
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
export function isLastResponse(response: ServerResponse): boolean {
  return (response as unknown as ResponseInsides)._last;
}

/** The headers that code has set: by the name in lower case, the name as it is spelled and the value. Undefined if they are kept otherwise. */
export function setHeadersOf(response: ServerResponse): Readonly<Record<string, readonly unknown[]>> | undefined {
  if (OUT_HEADERS === undefined) return undefined;
  const headers = (response as unknown as Record<symbol, Readonly<Record<string, readonly unknown[]>> | null>)[
    OUT_HEADERS
  ];
  return headers === null ? NO_HEADERS : headers;
}

const NO_HEADERS = Object.freeze({});

/** The response that was assigned to a socket. */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** The head leaves with the next content. */
export function isHeadWaiting(response: ServerResponse): boolean {
  return !(response as unknown as ResponseInsides)._headerSent;
}

/** As `assignSocket`, but `close` is not emitted when the socket closes: the caller does it. */
export function attachSocket(response: ServerResponse, socket: Socket): void {
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage = response;
  (response as { socket: Socket | null }).socket = socket;
}

/** Undoes `attachSocket`. */
export function detachAttached(response: ServerResponse, socket: Socket): void {
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage = null;
  (response as { socket: Socket | null }).socket = null;
}

/**
 * The head of a response whose one content is given to `end`, if the head may be sent together with it; Node makes the head, unless code has written it
 * already. '' if only Node itself can send the rest: in chunks, or after bytes that were sent.
 */
export function makeWholeHead(response: ServerResponse, contentBytes: number): string {
  const insides = response as unknown as ResponseInsides;
  const { socket, destroyed } = response;
  if (insides._headerSent || insides.strictContentLength || destroyed) return '';
  // Node's `end` corks the socket, and uncorks it unless it throws.
  if (!socket?.writable || socket.writableCorked > 0 || currentResponse(socket) !== response) return '';
  if (!insides._header) {
    insides._contentLength = contentBytes;
    insides._implicitHeader();
  }
  return insides._headerSent || response.chunkedEncoding ? '' : (insides._header ?? '');
}

/** What `end` of Node does once all was given to the socket; `prefinish` is emitted last. */
export function markEnded(response: ServerResponse): void {
  const insides = response as unknown as ResponseInsides;
  insides._headerSent = true;
  insides.finished = true;
  if (response.listenerCount('prefinish') > 0) response.emit('prefinish');
}

/** The kernel has accepted all of the response (_http_outgoing.js, onFinish); `finish` is emitted after it. */
export function markFinished(response: ServerResponse): void {
  const symbols = response as unknown as Record<symbol, unknown>;
  if (WRITABLE_FINISHED !== undefined) symbols[WRITABLE_FINISHED] = true;
  const callbacks = END_CALLBACKS && (symbols[END_CALLBACKS] as ((error: null) => void)[] | null);
  if (!END_CALLBACKS || !callbacks) return;
  symbols[END_CALLBACKS] = null;
  for (const callback of callbacks) callback(null);
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
const RESPONSE = new ServerResponse(new IncomingMessage(undefined as never));
const [NEED_DRAIN, WRITABLE_FINISHED, END_CALLBACKS, OUT_HEADERS] = [
  ...['kNeedDrain', 'kWritableFinished', 'kEndCallbacks', 'kOutHeaders'],
].map((description) => findSymbol(RESPONSE, description));
const DETACH_SIGNAL = findSymbol(IncomingMessage.prototype, 'kDetachAbortSignal');

function findSymbol(owner: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(owner).find((each) => each.description === description);
}
