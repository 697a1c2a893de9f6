import type { Socket } from 'node:net';
import { buildConnector, type Pool } from 'undici';
import type { Deadlines } from '../timing/deadlines.ts';
import type { ResponseHeaders } from './response-headers.ts';

/** State of one connection to the hop. undici does not report the connection of a response. */
export interface HopConnection {
  /** `address:port` of the hop after name resolution. */
  readonly address: string;
  /** Number of responses that began on it. Above 0: the connection was reused. */
  answers: number;
  /**
   * True if the connection was reset. A body that ends with the connection is then incomplete (RFC
   * 9112 6.3).
   */
  reset: boolean;
}

/**
 * Connects to the hop and observes each connection.
 *
 * undici parses inside the socket's `readable` event, so its callbacks can read the current
 * connection from `reading`. Invariant: the listeners of this class are added before undici's and
 * therefore run first.
 */
export class Connections {
  /** The connection whose bytes are being parsed right now. */
  reading: HopConnection | undefined;
  readonly connect: buildConnector.connector;
  readonly #broken = new WeakMap<Error, HopConnection>();

  /**
   * getaddrinfo resolves the name at each connect, so /etc/hosts has precedence and a new address
   * is used.
   */
  constructor(connectTimeoutMs: number) {
    const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false });
    this.connect = (options, callback) => {
      connect(options, (...result) => {
        if (result[1]) this.#watch(result[1]);
        callback(...result);
      });
    };
  }

  /** The connection on which an error occurred. Undefined for errors without a connection. */
  brokenBy(error: unknown): HopConnection | undefined {
    return error instanceof Error ? this.#broken.get(error) : undefined;
  }

  #watch(socket: Socket): void {
    const address = socket.remoteFamily === 'IPv6' ? `[${socket.remoteAddress}]` : (socket.remoteAddress ?? '');
    const connection: HopConnection = { address: `${address}:${socket.remotePort}`, answers: 0, reset: false };
    socket.on('readable', () => {
      this.reading = connection;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#broken.set(error, connection);
      connection.reset = error.code === 'ECONNRESET';
    });
  }
}

/** State that all forwarded requests of one hop share. */
export interface ForwardTools {
  /** Replaced when the hop's address changes. */
  pool: Pool;
  readonly connections: Connections;
  readonly deadlines: Deadlines;
  readonly responseHeaders: ResponseHeaders;
  readonly firstByteTicks: number;
  readonly idleTicks: number;
  readonly load: Load;
}

/**
 * Number of requests in undici: queued, running, or abandoned by their client and not removed yet.
 */
export interface Load {
  count: number;
}
