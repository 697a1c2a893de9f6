import type { Exchange } from '../contract/exchange.ts';

/** Writes the head of a response. Appends the request's id to the flat `headers`. */
export function writeHead({ response, requestId }: Exchange, status: number, headers: string[]): void {
  headers.push(requestId.name, requestId.value);
  response.writeHead(status, headers);
}

/** Every method that Node's parser accepts and this server does not refuse (CONNECT, TRACE). */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * Answers an OPTIONS request to this server itself: `OPTIONS *`, or one with Max-Forwards: 0 (RFC
 * 9110 9.3.7, 7.6.2).
 */
export function answerOptions({ response, requestId }: Exchange): void {
  response.writeHead(200, ['Allow', ALLOWED_METHODS, 'Content-Length', '0', requestId.name, requestId.value]);
  response.end();
}
