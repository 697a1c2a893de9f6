import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import type { Fault } from '../../src/contract/fault.ts';
import type { IncomingRequest, ResponseSink } from '../../src/contract/http-message.ts';
import { ClientConnections, type ClientConnectionsOptions } from '../../src/wire/client-connections.ts';
import { connectTo, type Peer } from './peer.ts';

export type Handle = (request: IncomingRequest, response: ResponseSink) => void;

export interface WireServer {
  readonly connections: ClientConnections;
  readonly port: number;
  /** `METHOD target` of each request that was handed to the handler, in order. */
  readonly handled: readonly string[];
  /** Every fault by which a request was refused before it came to the handler. */
  readonly refused: readonly Fault[];
  connect(): Promise<Peer>;
  /** Closes the listening socket, as a server that ends does before it drains. */
  stopListening(): void;
}

export const LIMITS = {
  encrypted: false,
  maxHeadBytes: 4096,
  maxHeaders: 50,
  headersTimeoutMs: 20_000,
  keepAliveTimeoutMs: 20_000,
  clientIdleTimeoutMs: 20_000,
  drainGraceMs: 100,
};

/** A server of client connections with a handler; refusals are answered with their code as text. `prepare` gets each socket first. Ends with the test. */
export async function wireServer(
  t: ExecutionContext,
  handle: Handle,
  limits: Partial<ClientConnectionsOptions> = {},
  prepare: (socket: Socket) => void = () => undefined,
): Promise<WireServer> {
  const handled: string[] = [];
  const refused: Fault[] = [];
  const connections = new ClientConnections({
    ...LIMITS,
    ...limits,
    handler: {
      handle(request, response) {
        handled.push(`${request.method} ${request.target}`);
        handle(request, response);
      },
      refuse(fault, response) {
        refused.push(fault);
        answerFault(fault, response);
      },
    },
  });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    prepare(socket);
    connections.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    connections.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    connections,
    port,
    handled,
    refused,
    connect: () => connectTo(t, port),
    stopListening: () => server.close(),
  };
}

/** Writes the fault, unless a head has left: then the connection is cut. */
export function answerFault(fault: Fault, response: ResponseSink): void {
  if (response.isHeadWritten) {
    response.abort();
    return;
  }
  response.head(fault.status, '', ['Content-Type', 'text/plain', ...fault.headers]);
  response.end(fault.code);
}

/** Answers with the method and target, and the body if there is one. */
export function echo(request: IncomingRequest, response: ResponseSink): void {
  const pieces: Buffer[] = [];
  request.body.start({
    onData: (content) => pieces.push(content),
    onEnd: () => {
      response.head(200, 'OK', []);
      response.end(`${request.method} ${request.target} ${Buffer.concat(pieces)}`);
    },
    onFailure: (fault) => answerFault(fault, response),
  });
}
