import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault, FaultCode, FaultPage } from '../contract/fault.ts';
import { reasonOf, toFaultPage } from './fault-page.ts';
import { hasBody } from './headers.ts';
import { lingerOnClose } from './linger.ts';

/**
 * Tells the client of a fault; the only place that does. Nothing sent yet: status, code and request id. Head already sent: the
 * connection is cut so that the client can tell. Client gone: nothing. Sets `exchange.fault`. `dev`: see `toFaultPage`. Never throws.
 */
export function answerFault(exchange: Exchange, fault: Fault, dev = false): void {
  const { response, socket, left } = exchange;
  exchange.fault = fault;
  if (left || fault.code === 'client_left' || socket.destroyed) response.destroy();
  // A complete answer that is on its way is not taken back because of what failed behind it.
  else if (response.writableEnded) return;
  else if (response.headersSent) cut(exchange);
  else write(exchange, fault, dev);
}

/** The answer as text, for a connection that has no response object. The connection has to end behind it. */
export function rawFaultAnswer(fault: Fault): string {
  const page = toFaultPage(fault, { requestId: '', accept: '', dev: false });
  const fields = ['Date', new Date().toUTCString(), 'Connection', 'close', ...headersOf(fault, page)];
  let head = `HTTP/1.1 ${fault.status} ${reasonOf(fault.status)}\r\n`;
  for (let at = 0; at < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return `${head}\r\n${page.body}`;
}

/** A body that ends before its last chunk or announced length is seen to be cut. One that ends with its connection is not, unless that is reset. */
function cut(exchange: Exchange): void {
  const { request, response, socket } = exchange;
  if (!response.socket) {
    cutAtItsTurn(exchange);
    return;
  }
  // Without a length, Node sends chunks to whoever speaks HTTP/1.1.
  if (request.httpVersion === '1.1') {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Only plain TCP can be reset; a TLS connection shows by itself that it was cut.
    socket.destroy();
  }
}

/** The answer before this one on the connection (pipelining) is still being written, and must not be cut. */
function cutAtItsTurn(exchange: Exchange): void {
  const { response } = exchange;
  // node:http tells a response of its turn by this call alone, and forgets one that was destroyed before.
  response.assignSocket = (socket) => {
    ServerResponse.prototype.assignSocket.call(response, socket);
    cut(exchange);
  };
}

function write(exchange: Exchange, fault: Fault, dev: boolean): void {
  const { request, response, socket, requestId, platformId } = exchange;
  const page = toFaultPage(fault, { requestId: requestId.value, accept: request.headers.accept ?? '', dev });
  const fields = headersOf(fault, page);
  fields.push(requestId.name, requestId.value);
  if (platformId) fields.push(platformId.name, platformId.value);
  const unread = isBodyUnread(request);
  if (unread || CLOSING.has(fault.code)) fields.push('Connection', 'close');
  if (unread) lingerOnClose(socket);
  try {
    // What a function prepared belonged to its own answer.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.sendDate = true;
    response.writeHead(fault.status, reasonOf(fault.status), fields);
    response.end(page.body);
    exchange.contentType = page.contentType;
    if (request.method !== 'HEAD') exchange.bodyBytesSent = Buffer.byteLength(page.body);
  } catch {
    // A field of the fault that cannot be written (e.g. a line break from a function's text): no answer is better than half of one.
    cut(exchange);
  }
}

/** After these nobody knows where the next request begins, or nobody will be there to read it. */
const CLOSING: ReadonlySet<FaultCode> = new Set(['bad_request', 'coding_unknown', 'version_unsupported', 'draining']);

/** `complete` alone does not say it: for a request without a body, too, it becomes true only after the request was handed out. */
function isBodyUnread(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request);
}

/** Seconds after which what failed may well work (RFC 9110, 10.2.3): as soon as a store that was away is noticed to be back. */
const RETRY_AFTER: Readonly<Partial<Record<FaultCode, string>>> = { store_unavailable: '1' };

function headersOf({ code, headers }: Fault, { contentType, body }: FaultPage): string[] {
  const retryAfter = RETRY_AFTER[code];
  return [
    ...['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)), 'Cache-Control', 'no-store'],
    ...(retryAfter === undefined ? [] : ['Retry-After', retryAfter]),
    ...headers,
  ];
}
