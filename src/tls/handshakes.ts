import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { Log } from '../contract/log.ts';

/** Scanners cause thousands of failures: they are logged together. */
const REPORT_EVERY_MS = 60_000;

/** The TLS handshakes in progress, and the failed ones. */
export class Handshakes {
  readonly #log: Log;
  /** By peer address: the socket after the handshake is another object than the one before it. */
  readonly #open = new Map<string, Socket>();
  #unreported = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(server: Server, log: Log) {
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#begin(socket));
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#open.delete(toName(socket));
      socket.on('error', (error) => this.#note(error, socket));
    });
    server.on('tlsClientError', (error, socket) => {
      this.#note(error, socket);
      socket.destroy();
    });
  }

  /** Closes handshakes in progress. No request is lost, and a client that never continues would delay a drain. */
  cut(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }

  /** A connection that was closed or reset is no failure of TLS. */
  #note(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!isOfTls(error)) return;
    this.#unreported++;
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs >= REPORT_EVERY_MS) {
      // OpenSSL's message has memory addresses and source lines; the code says enough.
      const details = { code: error.code, count: this.#unreported, peer: socket.remoteAddress };
      this.#log.info('a TLS handshake or connection with a client failed', details);
      this.#reportedAtMs = nowMs;
      this.#unreported = 0;
    }
  }

  #begin(socket: Socket): void {
    const name = toName(socket);
    this.#open.set(name, socket);
    socket.once('close', () => {
      // The peer may have opened another connection since.
      if (this.#open.get(name) === socket) this.#open.delete(name);
    });
  }
}

function toName({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Errors of OpenSSL, of Node's TLS, and of a write after OpenSSL has failed. */
function isOfTls({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
}
