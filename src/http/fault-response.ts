import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault, FaultCode, FaultPage } from '../contract/fault.ts';
import { reasonOf, toFaultPage } from './fault-page.ts';
import { hasBody } from './headers.ts';
import { lingerOnClose } from './linger.ts';

/**
 * Sends the error response of a fault. This is the only function that does. If nothing was sent
 * yet: status, code and request id. If the head was already sent: cuts the connection so that the
 * client can see that the response is incomplete. If the client has left: nothing. Sets
 * `exchange.fault`. `dev`: see `toFaultPage`. Never throws.
 */
export function answerFault(exchange: Exchange, fault: Fault, dev = false): void {
  const { response, socket, left } = exchange;
  exchange.fault = fault;
  if (left || fault.code === 'client_left' || socket.destroyed) response.destroy();
  // A complete response that is still being sent is not cut because of a later error.
  else if (response.writableEnded) return;
  else if (response.headersSent) cut(exchange);
  else write(exchange, fault, dev);
}

/**
 * The error response as text, for a connection that has no response object. The caller must end the
 * connection afterwards.
 */
export function toFaultText(fault: Fault): string {
  const page = toFaultPage(fault, { requestId: '', accept: '', dev: false });
  const headers = ['Date', new Date().toUTCString(), 'Connection', 'close', ...headersOf(fault, page)];
  let head = `HTTP/1.1 ${fault.status} ${reasonOf(fault.status)}\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return `${head}\r\n${page.body}`;
}

/**
 * A client sees that a body is cut if the last chunk or announced bytes are missing. A body that
 * ends with the connection looks complete, unless the connection is reset.
 */
function cut(exchange: Exchange): void {
  const { request, response, socket } = exchange;
  if (!response.socket) {
    cutAtItsTurn(exchange);
    return;
  }
  // Without a length, Node sends chunks to HTTP/1.1 clients, so closing is enough.
  if (request.httpVersion === '1.1') {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Only plain TCP can be reset. On a TLS connection the missing close_notify shows the cut.
    socket.destroy();
  }
}

/**
 * With pipelining, the previous response on the connection is still being written and must not be
 * cut.
 */
function cutAtItsTurn(exchange: Exchange): void {
  const { response } = exchange;
  // node:http calls assignSocket when it is the turn of this response. It forgets a response that
  // was destroyed earlier.
  response.assignSocket = (socket) => {
    ServerResponse.prototype.assignSocket.call(response, socket);
    cut(exchange);
  };
}

function write(exchange: Exchange, fault: Fault, dev: boolean): void {
  const { request, response, socket, requestId, platformId } = exchange;
  const page = toFaultPage(fault, { requestId: requestId.value, accept: request.headers.accept ?? '', dev });
  const headers = headersOf(fault, page);
  headers.push(requestId.name, requestId.value);
  if (platformId) headers.push(platformId.name, platformId.value);
  const unread = isBodyUnread(request);
  if (unread || CLOSING.has(fault.code)) headers.push('Connection', 'close');
  if (unread) lingerOnClose(socket);
  try {
    // Headers that a function has set belong to its own response.
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.sendDate = true;
    response.writeHead(fault.status, reasonOf(fault.status), headers);
    response.end(page.body);
    exchange.contentType = page.contentType;
    if (request.method !== 'HEAD') exchange.bodyBytesSent = Buffer.byteLength(page.body);
  } catch {
    // A header of the fault cannot be written, e.g. a line break in a function's text. Closing is
    // better than half a response.
    cut(exchange);
  }
}

/**
 * After these faults the start of the next request is unknown, or no later request will be read.
 */
const CLOSING: ReadonlySet<FaultCode> = new Set(['bad_request', 'coding_unknown', 'version_unsupported', 'draining']);

/**
 * `complete` alone is not enough: even for a request without a body it becomes true only after the
 * 'request' event.
 */
function isBodyUnread(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request);
}

/**
 * Retry-After in seconds (RFC 9110 10.2.3): the time after which the reconnection to a store is
 * noticed.
 */
const RETRY_AFTER: Readonly<Partial<Record<FaultCode, string>>> = { store_unavailable: '1' };

function headersOf({ code, headers }: Fault, { contentType, body }: FaultPage): string[] {
  const retryAfter = RETRY_AFTER[code];
  return [
    ...['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)), 'Cache-Control', 'no-store'],
    ...(retryAfter === undefined ? [] : ['Retry-After', retryAfter]),
    ...headers,
  ];
}
