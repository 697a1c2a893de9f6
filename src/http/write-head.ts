import type { Exchange } from '../contract/exchange.ts';

/** Writes the head of an answer, with the request's id behind the flat `fields`. */
export function writeHead({ response, requestId }: Exchange, status: number, fields: string[]): void {
  fields.push(requestId.name, requestId.value);
  response.writeHead(status, fields);
}
