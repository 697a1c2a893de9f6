import type { Exchange } from '../contract/exchange.ts';

/** Writes the head of an answer, with the request's id behind the flat `fields`. */
export function writeHead({ response, requestId }: Exchange, status: number, fields: string[]): void {
  fields.push(requestId.name, requestId.value);
  response.writeHead(status, fields);
}

/** Every method that Node's parser knows and that is not refused here (CONNECT, TRACE). */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Answers an OPTIONS that is about this server itself: `OPTIONS *`, or one whose Max-Forwards is used up (RFC 9110 9.3.7, 7.6.2). */
export function answerOptions({ response, requestId }: Exchange): void {
  response.writeHead(200, ['Allow', ALLOWED_METHODS, 'Content-Length', '0', requestId.name, requestId.value]);
  response.end();
}
