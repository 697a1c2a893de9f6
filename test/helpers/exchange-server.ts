import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { type Fault, toFault } from '../../src/contract/fault.ts';
import type { IncomingRequest, ResponseSink } from '../../src/contract/http-message.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { answerFault } from '../../src/http/fault-response.ts';
import { ClientConnections } from '../../src/wire/client-connections.ts';
import { connectTo, type Peer } from './peer.ts';
import { LIMITS } from './wire-server.ts';

export interface ExchangeServer {
  readonly port: number;
  /** Every exchange so far, in order. */
  readonly exchanges: readonly Exchange[];
  /** The faults that `answer` threw, in order. */
  readonly faults: readonly Fault[];
  /** Opens a connection. */
  connect(): Promise<Peer>;
  /** Sends one request on a new connection and resolves with all received bytes. */
  exchange(request: string): Promise<string>;
}

export interface ExchangeSetup {
  readonly bodyLimitBytes?: number;
  /** Whether trust headers of clients are believed; default: true. */
  readonly trusted?: boolean;
  /** Called when a response is complete or its connection is lost. */
  readonly onClosed?: (exchange: Exchange) => void;
  /** Default: plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Client connections whose requests are exchanges. A fault is answered as the edge does it. Closed when the test ends. */
export async function serveExchanges(
  t: ExecutionContext,
  answer: (exchange: Exchange) => unknown,
  { bodyLimitBytes = 0, trusted = true, onClosed = () => {}, tls }: ExchangeSetup = {},
): Promise<ExchangeServer> {
  const exchanges: Exchange[] = [];
  const faults: Fault[] = [];
  const parts = { ...PARTS, client: { address: '127.0.0.1', proto: 'http', trusted }, onClosed } as const;

  async function serve(exchange: Exchange): Promise<void> {
    exchanges.push(exchange);
    exchange.callEnder = { failCall: fail, endCall: () => false };
    try {
      exchange.limitBody(bodyLimitBytes);
      await answer(exchange);
    } catch (error) {
      fail(exchange, error);
    }
  }

  function fail(exchange: Exchange, error: unknown): void {
    const fault = toFault(error);
    faults.push(fault);
    answerFault(exchange, fault);
  }

  function open(request: IncomingRequest, response: ResponseSink): Exchange {
    const exchange = new Exchange({ request, response, ...parts });
    response.listen(exchange);
    return exchange;
  }

  const connections = new ClientConnections({
    ...LIMITS,
    maxHeadBytes: 32 * 1024,
    maxHeaders: 200,
    encrypted: tls !== undefined,
    handler: {
      handle: (request, response) => void serve(open(request, response)),
      refuse(fault, response) {
        faults.push(fault);
        response.head(fault.status, fault.code, []);
        response.end();
      },
    },
  });
  const server = tls
    ? createTlsServer({ ...SOCKETS, ...tls }, (socket) => connections.accept(socket))
    : createServer(SOCKETS, (socket) => connections.accept(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    connections.destroy();
  });
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  return {
    port,
    exchanges,
    faults,
    connect: () => connectTo(t, port),
    async exchange(request) {
      const peer = await connectTo(t, port);
      peer.write(request);
      return peer.readToEnd();
    },
  };
}

const SOCKETS = { allowHalfOpen: true, noDelay: true };

const PARTS = {
  requestId: { value: 'id-of-this', name: 'x-request-id', made: true },
  pendingWork: new PendingWork(() => {}),
  startedAtMs: 0,
} as const;
