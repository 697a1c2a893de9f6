import { IncomingMessage } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { addHeaderLines } from '../wire/node-insides.ts';

/** The request of a handshake as the package `ws` takes it, and functions see it: Node's own object, with an empty body. */
export function toHandshakeMessage(exchange: Exchange): IncomingMessage {
  if (exchange.hasNode) return exchange.node.request;
  const { request, socket, target } = exchange;
  const message = new IncomingMessage(socket);
  message.method = request.method;
  message.url = target;
  message.httpVersionMajor = 1;
  message.httpVersionMinor = request.minor;
  message.httpVersion = `1.${request.minor}`;
  addHeaderLines(message, [...request.headers]);
  message.complete = true;
  message.push(null);
  return message;
}
