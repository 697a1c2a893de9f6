import { STATUS_CODES } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { OWN_PAGE } from '../contract/own-page.ts';

/** Writes the head of a response. Appends the request's id to the flat `headers`. */
export function writeHead(exchange: Exchange, status: number, headers: string[]): void {
  const { requestId } = exchange;
  headers.push(requestId.name, requestId.value);
  exchange.writeHead(status, STATUS_CODES[status] ?? '', headers);
}

/** The usual methods. Others are forwarded too, except CONNECT and TRACE, which are refused. */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * Answers an OPTIONS request to this server itself: `OPTIONS *`, or one with Max-Forwards: 0 (RFC
 * 9110 9.3.7, 7.6.2).
 */
export function answerOptions(exchange: Exchange): void {
  exchange.step = OWN_PAGE;
  exchange.answeredBy = 'options';
  writeHead(exchange, 200, ['Allow', ALLOWED_METHODS]);
  exchange.response.end();
}
