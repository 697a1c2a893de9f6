import { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { SocketTalker } from '../contract/upgrade.ts';
import { addHeaderLines } from '../wire/node-insides.ts';
import type { UpgradeSlots } from './upgrade-slots.ts';
import { isWebSocketRequest } from './web-socket-request.ts';
import { WebSocketSession } from './web-socket-session.ts';

export interface WebSocketsOptions {
  readonly slots: UpgradeSlots;
  /** A socket without traffic for this time is closed; 0: never. */
  readonly idleTimeoutMs: number;
}

/** The limit of a message, which is in memory as a whole, if bodies have no limit. */
const LARGEST_MESSAGE_BYTES = 16 * 1024 ** 2;

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
   * Lets a target accept the WebSocket, if the request is a handshake. If every target passes, the request is an ordinary one, and the connection reads
   * the next request after it.
   */
  offer(exchange: Exchange): void {
    const { request } = exchange;
    if (request.upgrade === undefined || !isWebSocketRequest(request)) return;
    exchange.upgrade = { accept: (talker) => this.#accept(exchange, talker) };
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

  async #accept(exchange: Exchange, talker: SocketTalker): Promise<void> {
    if (this.#closing) throw new Fault('draining');
    const { slots, idleTimeoutMs } = this.#options;
    const slot = slots.take();
    try {
      const request = toHandshakeMessage(exchange);
      const socket = shakeHands(exchange, request);
      const session = new WebSocketSession({ socket, request, exchange, talker, idleTimeoutMs });
      this.#sessions.add(session);
      session.start();
      await session.settled.finally(() => this.#sessions.delete(session));
    } finally {
      slot.free();
    }
  }
}

/** Takes the connection over and writes the 101. Throws `bad_request` for an invalid handshake, and `client_left`. */
function shakeHands({ response, requestId, bodyLimitBytes }: Exchange, request: IncomingMessage): BoundedSocket {
  // `ws` would answer by itself on a connection that is its own; what it refuses is refused here, as a response like any other.
  checkHandshake(request);
  // One server per handshake, so that its events belong to this handshake. It holds only its options.
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: BoundedSocket,
    maxPayload: bodyLimitBytes || LARGEST_MESSAGE_BYTES,
    // Compression costs hundreds of KiB per socket, and a small message may decompress to a large one. Clients must work without it anyway.
    perMessageDeflate: false,
  });
  server
    .on('headers', (lines) => lines.push(`${requestId.name}: ${requestId.value}`))
    .on('wsClientError', (_error, socket) => socket.destroy());
  let opened: BoundedSocket | undefined;
  const { socket, head } = response.takeOver();
  server.handleUpgrade(request, socket, head, (webSocket) => {
    opened = webSocket;
  });
  // `ws` opens none for a client that has ended.
  if (!opened) throw new Fault('client_left');
  return opened;
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** A list of tokens (RFC 6455 11.3.4). */
const PROTOCOLS = /^[!#$%&'*+.^_`|~\w-]+(?:[\t ]*,[\t ]*[!#$%&'*+.^_`|~\w-]+)*$/;

/** The checks of `ws` for a handshake. A client with another version than 13 gets the supported one (RFC 6455 4.4). */
function checkHandshake({ headers }: IncomingMessage): void {
  const {
    'sec-websocket-version': version,
    'sec-websocket-key': key = '',
    'sec-websocket-protocol': protocols = '',
  } = headers;
  if (version !== '13') {
    throw new Fault('bad_request', {
      status: 426,
      message: `Sec-WebSocket-Version must be 13, got ${JSON.stringify(version)}`,
      headers: ['Sec-WebSocket-Version', '13'],
    });
  }
  if (!KEY.test(key)) throw new Fault('bad_request', { message: 'Sec-WebSocket-Key is missing or invalid' });
  const names = protocols.split(',').map((name) => name.trim());
  if (protocols !== '' && (!PROTOCOLS.test(protocols) || new Set(names).size < names.length)) {
    throw new Fault('bad_request', { message: 'Sec-WebSocket-Protocol must be a list of different tokens' });
  }
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

/** The request of a handshake as the package `ws` takes it, and functions see it: Node's own object, with an empty body. */
function toHandshakeMessage(exchange: Exchange): IncomingMessage {
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
