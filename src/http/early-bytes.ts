import type { Socket } from 'node:net';

/** More than this a client does not get rid of before that. */
const MOST_BYTES = 64 * 1024;

/**
 * What a client sends before anybody has agreed to its upgrade.
 *
 * It is read and kept, not left in the socket: only a socket that is being read tells that the other side ended or broke off.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  #chunks: Buffer[];
  #length: number;

  /** `head` came before. Reads from now on. */
  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#chunks = [head];
    this.#length = head.length;
    socket.on('data', this.#onData);
  }

  /** Puts everything back into the socket, which is then paused, for whoever reads it next. */
  giveBack(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    this.#socket.unshift(Buffer.concat(this.#chunks));
    this.#chunks = [];
  }

  /** There will be no tunnel: what came and what still comes is dropped, so that the connection can end in order. */
  drop(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.resume();
    this.#chunks = [];
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > MOST_BYTES) this.#socket.pause();
  };
}
