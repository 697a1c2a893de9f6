import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { type Fault, toFault } from '../../src/contract/fault.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { Hop, type HopOptions } from '../../src/hop/hop.ts';
import { RequestHeaders } from '../../src/hop/request-headers.ts';
import type { Tunnels } from '../../src/hop/tunnels.ts';
import { UpgradeSlots } from '../../src/http/upgrade-slots.ts';
import { isWebSocketRequest } from '../../src/http/web-socket-request.ts';
import type { Peer } from './peer.ts';
import { answerFault, echo, wireServer } from './wire-server.ts';

export interface TunnelServer {
  readonly port: number;
  readonly tunnels: Tunnels;
  /** What the hop threw, in order. */
  readonly faults: readonly Fault[];
  /** The exchanges of all handshakes, in order. */
  readonly exchanges: readonly Exchange[];
  /** Resolves when the hop is done with this many of them. */
  settled(count: number): Promise<void>;
  /** Opens a connection that can still send after the server has ended its side. */
  connect(): Promise<Peer>;
  /** Opens a connection and sends a WebSocket handshake with these additional header lines. */
  sendHandshake(lines?: readonly string[]): Promise<Peer>;
}

/** The bytes of a WebSocket handshake as a browser sends it, with additional header lines. */
export function handshake(...lines: readonly string[]): string {
  const own = ['GET /chat HTTP/1.1', 'Host: site.example', 'Upgrade: websocket', 'Connection: Upgrade'];
  return `${[...own, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...lines].join('\r\n')}\r\n\r\n`;
}

/** The bytes of the 101 that opens a tunnel, with additional header lines. */
export function switching(...lines: readonly string[]): string {
  const own = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  return `${[...own, ...lines].join('\r\n')}\r\n\r\n`;
}

/**
 * Starts a server that opens tunnels to `hopPort`, as the edge does, and answers plain requests with
 * their method and body. Closed when the test ends.
 */
export async function serveTunnels(
  t: ExecutionContext,
  hopPort: number,
  options: Partial<HopOptions> = {},
): Promise<TunnelServer> {
  const hop = new Hop({
    hostname: '127.0.0.1',
    port: hopPort,
    connectTimeoutMs: 0,
    firstByteTimeoutMs: 0,
    idleTimeoutMs: 0,
    tunnelIdleTimeoutMs: 0,
    keepAliveMs: 20_000,
    lookupIntervalMs: 0,
    connections: 2000,
    queue: 100,
    headerLimitBytes: 128 * 1024,
    requestHeaders: new RequestHeaders({ name: 'nexthop', loopLimit: 10, appendForwardedFor: false }),
    slots: new UpgradeSlots(2000),
    ...options,
  });
  const faults: Fault[] = [];
  const exchanges: Exchange[] = [];
  const settlements = new Settlements();
  const server = await wireServer(t, (request, response) => {
    if (!isWebSocketRequest(request)) {
      echo(request, response);
      return;
    }
    const exchange = new Exchange({ request, response, ...PARTS });
    response.listen(exchange);
    exchanges.push(exchange);
    new Promise((resolve) => resolve(hop.answer(exchange)))
      .catch((error: unknown) => {
        const fault = toFault(error);
        faults.push(fault);
        answerFault(fault, response);
      })
      .finally(() => settlements.add());
  });
  t.teardown(async () => {
    server.stopListening();
    await hop.tunnels.close(0);
    hop.close();
  });
  const connectClient = async (): Promise<Peer> => {
    const client = await server.connect();
    client.socket.allowHalfOpen = true;
    return client;
  };
  return {
    port: server.port,
    tunnels: hop.tunnels,
    faults,
    exchanges,
    settled: (count) => settlements.reach(count),
    connect: connectClient,
    async sendHandshake(lines = []) {
      const client = await connectClient();
      client.write(handshake(...lines));
      return client;
    },
  };
}

const PARTS = {
  client: { address: '127.0.0.1', proto: 'http', trusted: true },
  requestId: { value: 'id-of-this', name: 'x-request-id', made: true },
  pendingWork: new PendingWork(() => {}),
  startedAtMs: 0,
  onClosed: () => undefined,
} as const;

/** Counts finished calls, and resolves promises that wait for a number of them. */
class Settlements {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  add(): void {
    this.#count++;
    for (const check of this.#waiting) check();
  }

  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#count < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
