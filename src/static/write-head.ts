import type { Exchange } from '../http/exchange.ts';

/** Writes the head of an answer, with the request's id behind the flat `fields`. */
export function writeHead(exchange: Exchange, status: number, fields: string[]): void {
  const { response, requestId } = exchange;
  fields.push(requestId.name, requestId.value);
  // A body of the request may or may not follow, so nothing that follows can be told from it (RFC 9110 10.1.1).
  if (exchange.continueAwaited) response.shouldKeepAlive = false;
  response.writeHead(status, fields);
}
