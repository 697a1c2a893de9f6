import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { PairOwner } from '../../src/contract/http-message.ts';
import type { ClientConnectionsOptions } from '../../src/wire/client-connections.ts';
import { listenOnPort } from './listen.ts';
import { connectTo, type Peer } from './peer.ts';
import { type WireServer, wireServer } from './wire-server.ts';

/** What the 'request' event of node:http calls. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An owner without rules, which answers no fault. */
export const OWNER: PairOwner = {
  changesHead: false,
  toSentStatus: (status) => status,
  applyLayers: (_status, headers) => headers,
  failPair: () => false,
};

/** A server of client connections whose requests are answered through Node's objects. Ends with the test. */
export function pairServer(
  t: ExecutionContext,
  listener: NodeListener,
  limits: Partial<ClientConnectionsOptions> = {},
): Promise<WireServer> {
  return wireServer(
    t,
    (request, response) => {
      const { pair } = response.toNode(request, request.target, OWNER);
      listener(pair.request, pair.response);
    },
    limits,
  );
}

/** The same listener in node:http. Ends with the test. */
export async function bareServer(t: ExecutionContext, listener: NodeListener): Promise<{ connect(): Promise<Peer> }> {
  const server = createServer({ keepAliveTimeout: 20_000 }, listener);
  const port = await listenOnPort(t, server);
  return { connect: () => connectTo(t, port) };
}

export function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
}

export function post(target: string, body: string, headers = ''): string {
  return `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** Reads one response with a Content-Length. */
export async function readResponse(peer: Peer): Promise<{ readonly head: string; readonly body: string }> {
  const head = await peer.readHead();
  return { head, body: await peer.readBytes(Number(/^content-length: (\d+)/im.exec(head)?.[1])) };
}
