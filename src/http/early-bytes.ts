import type { Socket } from 'node:net';

/** The socket is paused when a client has sent more than this before the upgrade is decided. */
const MOST_BYTES = 64 * 1024;

/**
 * The bytes that a client sends before its upgrade is accepted.
 *
 * They are read and stored, not left in the socket: a socket reports that the other side closed or
 * broke the connection only while it is being read.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  #chunks: Buffer[];
  #length: number;

  /** `head`: the bytes that Node has already read. Starts reading. */
  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#chunks = [head];
    this.#length = head.length;
    socket.on('data', this.#onData);
  }

  /** Puts all bytes back into the socket and pauses it, so that the next reader gets them. */
  giveBack(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.pause();
    this.#socket.unshift(Buffer.concat(this.#chunks));
    this.#chunks = [];
  }

  /**
   * The upgrade is refused: drops the bytes read so far and all later ones, so that the connection
   * can close normally.
   */
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
