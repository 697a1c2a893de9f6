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
  /** A socket on which nothing moves for so long is closed; 0: never. */
  readonly idleTimeoutMs: number;
}

/** A message is in memory as a whole. This holds where not even bodies have a limit. */
const LARGEST_MESSAGE_BYTES = 16 * 1024 ** 2;

const NOTHING = Buffer.alloc(0);

/** The WebSockets that functions answer (RFC 6455), by the package `ws`, whose sockets the platforms' functions know. */
export class WebSockets {
  readonly #options: WebSocketsOptions;
  readonly #courses = new Set<WebSocketSession>();
  #closing = false;

  constructor(options: WebSocketsOptions) {
    this.#options = options;
  }

  /** Sockets that are open. */
  get size(): number {
    return this.#courses.size;
  }

  /** The upgrade that a request asks for; `head` is what the client sent behind it already. Somebody has to decide on it. */
  offer(exchange: Exchange, head: Buffer): PendingUpgrade {
    const upgrade = new PendingUpgrade(exchange, head, this.#accept);
    exchange.upgrade = upgrade;
    return upgrade;
  }

  /** Opens no more, closes the open ones with 1001 and cuts what is left after `graceMs`. Resolves when none is left. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const courses = [...this.#courses];
    for (const course of courses) course.end();
    const timer = setTimeout(() => {
      for (const course of courses) course.destroy();
    }, graceMs);
    await Promise.allSettled(courses.map((course) => course.settled));
    clearTimeout(timer);
  }

  readonly #accept = async (exchange: Exchange, talker: SocketTalker): Promise<void> => {
    if (this.#closing) throw new Fault('draining');
    const { slots, idleTimeoutMs } = this.#options;
    slots.take();
    try {
      const course = new WebSocketSession({ socket: shakeHands(exchange), exchange, talker, idleTimeoutMs });
      this.#courses.add(course);
      course.start();
      await course.settled.finally(() => this.#courses.delete(course));
    } finally {
      slots.free();
    }
  };
}

/** Writes the 101. Throws `bad_request` for a request that is no handshake, and `client_left`. */
function shakeHands(exchange: Exchange): BoundedSocket {
  const { request, response, socket, requestId, bodyLimitBytes } = exchange;
  refuseOtherVersions(request);
  // One for each handshake: its events are then about this one alone. It holds nothing but its options.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: BoundedSocket,
    maxPayload: bodyLimitBytes || LARGEST_MESSAGE_BYTES,
    // Each compressed socket keeps hundreds of KiB, and a small message may unpack to a large one. Clients have to do without anyway.
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
  // For the access line; the 101 goes by the socket itself.
  response.statusCode = 101;
  return opened;
}

/** The client is told which one it may try (RFC 6455 4.4). */
function refuseOtherVersions({ headers }: IncomingMessage): void {
  const { 'sec-websocket-version': version } = headers;
  if (version === '13') return;
  throw new Fault('bad_request', {
    status: 426,
    message: `the version of the WebSocket must be 13, got ${JSON.stringify(version)}`,
    headers: ['Sec-WebSocket-Version', '13'],
  });
}

/** What may wait for a client that does not read. In bytes; the last message comes on top, of whatever size. */
const MOST_UNREAD_BYTES = 16 * 1024 ** 2;

type Data = Parameters<WebSocket['send']>[0];
type Options = Parameters<WebSocket['send']>[1];
type Callback = (error?: Error) => void;

/**
 * A WebSocket that does not keep more and more for a client that does not read: a message for which there is no room closes it with 1013
 * (try again later), and is dropped like those after it. The client has `ws`'s closing time, 30 s, to read on to the close frame.
 */
class BoundedSocket extends WebSocket {
  override send(data: Data, options?: Options | Callback, callback?: Callback): void {
    if (this.bufferedAmount > MOST_UNREAD_BYTES) this.close(1013, 'the client reads too slowly');
    // The package itself tells the callback from the options.
    super.send(data, options as Options, callback);
  }
}
