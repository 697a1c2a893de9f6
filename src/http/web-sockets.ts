import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { SocketTalker } from '../contract/upgrade.ts';
import { PendingUpgrade } from './pending-upgrade.ts';
import type { UpgradeSlots } from './upgrade-slots.ts';
import { WebSocketSession } from './web-socket-session.ts';

export interface WebSocketsOptions {
  readonly slots: UpgradeSlots;
  /** A socket without traffic for this time is closed; 0: never. */
  readonly idleTimeoutMs: number;
}

/** The limit of a message, which is in memory as a whole, if bodies have no limit. */
const LARGEST_MESSAGE_BYTES = 16 * 1024 ** 2;

const NOTHING = Buffer.alloc(0);

/**
 * The WebSockets of functions (RFC 6455). They are sockets of the `ws` package, which the
 * platforms' functions expect.
 */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #sessions = new Set<WebSocketSession>();
  #closing = false;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
  }

  /** Number of open sockets. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Creates the pending upgrade of a request. `head`: bytes after the request that Node has already
   * read. The caller must accept, pass or refuse it.
   */
  offer(exchange: Exchange, head: Buffer): PendingUpgrade {
    const upgrade = new PendingUpgrade(exchange, head, this.#accept);
    exchange.upgrade = upgrade;
    return upgrade;
  }

  /**
   * Accepts no more handshakes, closes open sockets with 1001 and cuts the rest after `graceMs`.
   * Resolves when none is left.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const sessions = [...this.#sessions];
    for (const session of sessions) session.end();
    const timer = setTimeout(() => {
      for (const session of sessions) session.destroy();
    }, graceMs);
    await Promise.allSettled(sessions.map((session) => session.settled));
    clearTimeout(timer);
  }

  readonly #accept = async (exchange: Exchange, talker: SocketTalker): Promise<void> => {
    if (this.#closing) throw new Fault('draining');
    const { slots, idleTimeoutMs } = this.#options;
    slots.take();
    try {
      const session = new WebSocketSession({ socket: shakeHands(exchange), exchange, talker, idleTimeoutMs });
      this.#sessions.add(session);
      session.start();
      await session.settled.finally(() => this.#sessions.delete(session));
    } finally {
      slots.free();
    }
  };
}

/**
 * Completes the handshake and writes the 101. Throws `bad_request` for an invalid handshake, and
 * `client_left`.
 */
function shakeHands(exchange: Exchange): BoundedSocket {
  const { request, response, socket, requestId, bodyLimitBytes } = exchange;
  refuseOtherVersions(request);
  // One server per handshake, so that its events belong to this handshake. It holds only its
  // options.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: BoundedSocket,
    maxPayload: bodyLimitBytes || LARGEST_MESSAGE_BYTES,
    // Compression costs hundreds of KiB per socket, and a small message may decompress to a large
    // one. Clients must work without it anyway.
    perMessageDeflate: false,
  });
  let opened: BoundedSocket | undefined;
  let reason = 'the connection is closed';
  server
    .on('headers', (lines) => lines.push(`${requestId.name}: ${requestId.value}`))
    .on('wsClientError', (error) => {
      reason = error.message;
    });
  server.handleUpgrade(request, socket, NOTHING, (webSocket) => {
    opened = webSocket;
  });
  if (!opened) throw new Fault(socket.destroyed ? 'client_left' : 'bad_request', { message: reason });
  // For the access line; ws writes the 101 directly to the socket.
  response.statusCode = 101;
  return opened;
}

/** Rejects other versions than 13 and sends the supported version (RFC 6455 4.4). */
function refuseOtherVersions({ headers }: IncomingMessage): void {
  const { 'sec-websocket-version': version } = headers;
  if (version === '13') return;
  throw new Fault('bad_request', {
    status: 426,
    message: `Sec-WebSocket-Version must be 13, got ${JSON.stringify(version)}`,
    headers: ['Sec-WebSocket-Version', '13'],
  });
}

/**
 * Most bytes that are buffered for a client that does not read. One message of any size may be
 * added to it.
 */
const MOST_UNREAD_BYTES = 16 * 1024 ** 2;

type Data = Parameters<WebSocket['send']>[0];
type Options = Parameters<WebSocket['send']>[1];
type Callback = (error?: Error) => void;

/**
 * A WebSocket with a bounded send buffer. A message that exceeds it closes the socket with 1013
 * (try again later) and is dropped, like all later ones. The client then has the closing timeout of
 * `ws`, 30 s, to read up to the close frame.
 */
class BoundedSocket extends WebSocket {
  override send(data: Data, options?: Options | Callback, callback?: Callback): void {
    if (this.bufferedAmount > MOST_UNREAD_BYTES) this.close(1013, 'the client reads too slowly');
    // ws itself checks whether the second argument is the callback.
    super.send(data, options as Options, callback);
  }
}
