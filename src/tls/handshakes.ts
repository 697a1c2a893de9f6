import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Log } from '../contract/log.ts';

/** Scanners and misled clients may fail by the thousand: their failures are told together. */
const TELL_EVERY_MS = 60_000;

/** The connections on which TLS is not agreed on yet, and those on which it failed. */
export class Handshakes {
  readonly #log: Log;
  /** By the other end: the socket that comes out of a handshake is another object than the one that went in. */
  readonly #open = new Map<string, Socket>();
  #undeclared = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(server: Server, log: Log) {
    this.#log = log;
    server.on('connection', (socket: Socket) => this.#begin(socket));
    server.on('secureConnection', (socket: Socket) => this.#open.delete(toName(socket)));
  }

  /** Ends those that are under way: no request is lost with them, and a client that never goes on would hold up a drain. */
  cut(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }

  /** True if the error is one of TLS: then there is no connection on which anything could be answered. */
  failed(error: NodeJS.ErrnoException, socket: Socket): boolean {
    if (!isOfTls(error)) return false;
    this.#undeclared++;
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs >= TELL_EVERY_MS) {
      // OpenSSL's message tells of places in memory and in its own source; the code says as much.
      const fields = { code: error.code, count: this.#undeclared, peer: socket.remoteAddress };
      this.#log.info('no TLS came about with a client, or it broke', fields);
      this.#reportedAtMs = nowMs;
      this.#undeclared = 0;
    }
    return true;
  }

  #begin(socket: Socket): void {
    const name = toName(socket);
    this.#open.set(name, socket);
    socket.once('close', () => {
      // Another one may have come from there since.
      if (this.#open.get(name) === socket) this.#open.delete(name);
    });
  }
}

function toName({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** OpenSSL's errors, Node's own about TLS, and what a write gets where OpenSSL has given up. */
function isOfTls({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
}
