import type { Socket } from 'node:net';
import { buildConnector, type Pool } from 'undici';
import type { Deadlines } from '../timing/deadlines.ts';
import type { ResponseHeaders } from './response-headers.ts';

/** What is known of one connection to the hop; undici itself does not say which one an answer came by. */
export interface HopConnection {
  /** `address:port` of the hop as resolved. */
  readonly address: string;
  /** Answers that began on it; above 0 the connection was reused. */
  answers: number;
  /** It was reset rather than ended: a body that ends with the connection is then cut short (RFC 9112 6.3). */
  reset: boolean;
}

/**
 * Connects to the hop and watches each connection.
 *
 * undici parses inside the socket's `readable` event, so whoever is called by it reads from `reading`.
 * Invariant: our listeners are added before undici's, hence run first.
 */
export class Connections {
  /** The connection whose bytes are being parsed right now. */
  reading: HopConnection | undefined;
  readonly connect: buildConnector.connector;
  readonly #broken = new WeakMap<Error, HopConnection>();

  /** The name is resolved by getaddrinfo at each connect, so /etc/hosts comes first and a changed address is seen. */
  constructor(connectTimeoutMs: number) {
    const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false });
    this.connect = (options, callback) => {
      connect(options, (...result) => {
        if (result[1]) this.#watch(result[1]);
        callback(...result);
      });
    };
  }

  /** The connection that an error came from; undefined for errors before or without one. */
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

/** What all forwards of one hop share. */
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

/** Requests that undici holds: queued, running, or given up by their client and not yet thrown out. */
export interface Load {
  count: number;
}
