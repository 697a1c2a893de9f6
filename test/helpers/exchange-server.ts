import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { type Fault, toFault } from '../../src/contract/fault.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { answerFault } from '../../src/http/fault-response.ts';
import { connectTo, type Peer } from './peer.ts';

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
}

/** Starts a node:http server whose requests become exchanges. Faults are answered as in the edge. Closed when the test ends. */
export async function serveExchanges(
  t: ExecutionContext,
  answer: (exchange: Exchange) => Promise<void> | void,
  { bodyLimitBytes = 0, trusted = true }: ExchangeSetup = {},
): Promise<ExchangeServer> {
  const exchanges: Exchange[] = [];
  const faults: Fault[] = [];
  const parts = { ...PARTS, client: { address: '127.0.0.1', proto: 'http', trusted }, bodyLimitBytes } as const;
  const server = createServer({ requireHostHeader: false });

  async function serve(exchange: Exchange): Promise<void> {
    exchanges.push(exchange);
    const { response } = exchange;
    response.once('close', () => {
      if (!response.writableFinished) exchange.leave();
    });
    try {
      await answer(exchange);
    } catch (error) {
      const fault = toFault(error);
      faults.push(fault);
      answerFault(exchange, fault);
    }
  }

  server.on('request', (request, response) => {
    void serve(new Exchange({ request, response, ...parts }));
  });
  server.on('checkContinue', (request, response) => {
    const exchange = new Exchange({ request, response, ...parts });
    exchange.continueAwaited = true;
    void serve(exchange);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
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

const PARTS = {
  requestId: { value: 'id-of-this', name: 'x-request-id', made: true },
  pendingWork: new PendingWork(() => {}),
  startedAtMs: 0,
} as const;
