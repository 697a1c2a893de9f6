import { once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Exchange } from '../../src/contract/exchange.ts';
import { type Fault, toFault } from '../../src/contract/fault.ts';
import { PendingWork } from '../../src/contract/pending-work.ts';
import { isTunnelRequest, type TunnelOptions, Tunnels } from '../../src/hop/tunnel.ts';
import { UpgradeSlots } from '../../src/http/upgrade-slots.ts';
import { Peer } from './peer.ts';

export interface TunnelServer {
  readonly port: number;
  readonly tunnels: Tunnels;
  /** The faults that `Tunnels.open` threw, in order. */
  readonly faults: readonly Fault[];
  /** The exchanges of all handshakes, in order. */
  readonly exchanges: readonly Exchange[];
  /** Resolves when this many calls of `Tunnels.open` are over. */
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
  options: Partial<TunnelOptions> = {},
): Promise<TunnelServer> {
  const tunnels = new Tunnels({
    origin: { host: `127.0.0.1:${hopPort}`, hostname: '127.0.0.1', port: hopPort },
    connectTimeoutMs: 0,
    firstByteTimeoutMs: 0,
    idleTimeoutMs: 0,
    slots: new UpgradeSlots(2000),
    headerLimitBytes: 128 * 1024,
    requestHeaders: ({ request }) => withoutHopByHop(request.rawHeaders),
    responseHeaders: withoutHopByHop,
    ...options,
  });
  const faults: Fault[] = [];
  const exchanges: Exchange[] = [];
  const settlements = new Settlements();
  const server = createServer({ shouldUpgradeCallback: isTunnelRequest });
  server.on('request', answerPlainly);
  server.on('upgrade', (request, socket: Socket, head) => {
    const exchange = toExchange(request, socket);
    exchanges.push(exchange);
    tunnels
      .open(exchange, head)
      .catch((error: unknown) => {
        const fault = toFault(error);
        faults.push(fault);
        answerFault(exchange, fault);
      })
      .finally(() => settlements.add());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    server.closeAllConnections();
    await tunnels.close(0);
  });
  const { port } = server.address() as AddressInfo; // a TCP server has a port
  const connectClient = async (): Promise<Peer> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    t.teardown(() => socket.destroy());
    const client = new Peer(socket);
    await once(socket, 'connect');
    return client;
  };
  return {
    port,
    tunnels,
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

const HOP_BY_HOP = new Set(['connection', 'upgrade', 'keep-alive', 'te', 'transfer-encoding', 'proxy-connection']);

function withoutHopByHop(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => !HOP_BY_HOP.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase()));
}

function toExchange(request: IncomingMessage, socket: Socket): Exchange {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => socket.destroySoon());
  return new Exchange({
    request,
    response,
    client: { address: '127.0.0.1', proto: 'http', trusted: true },
    requestId: { value: 'id-of-this', name: 'x-request-id', made: true },
    pendingWork: new PendingWork(() => {}),
    startedAtMs: 0,
    bodyLimitBytes: 0,
  });
}

function answerFault({ response }: Exchange, { status, code, headers }: Fault): void {
  response.writeHead(status, ['Content-Length', String(code.length), ...headers]).end(code);
}

async function answerPlainly(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.setHeader('Connection', 'close').end(`plain ${request.method} with "${body}"`);
}

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
