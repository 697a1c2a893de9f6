import type { Socket } from 'node:net';
import { toKept } from './socket-reads.ts';

/** Pieces of fewer bytes are put together; one object for each would take more memory and time than its bytes. */
const SMALL_BYTES = 1024;
const JOINED_BYTES = 4096;

/**
 * Bytes that a connection has received, and that are not read yet: the current piece, and the later ones. Bytes are copied only if they wait for longer than the call
 * in which they were received.
 */
export class ReceivedBytes {
  /** The piece that is being read; empty if nothing waits. */
  chunk: Buffer = EMPTY;
  /** Offset of the unread part. */
  at = 0;
  #behind: Buffer[] = [];
  #behindBytes = 0;
  /** Memory of the last piece, if that consists of small ones. */
  #joined: Buffer | undefined;
  readonly #socket: Socket;
  #isPaused = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.chunk.length - this.at + this.#behindBytes;
  }

  add(chunk: Buffer): void {
    if (this.at >= this.chunk.length && this.#behind.length === 0) {
      this.chunk = chunk;
      this.at = 0;
    } else {
      this.#behindBytes += chunk.length;
      if (chunk.length < SMALL_BYTES) this.#join(chunk);
      else {
        this.#joined = undefined;
        this.#behind.push(toKept(chunk) as Buffer); // a copy of one
      }
    }
  }

  #join(chunk: Buffer): void {
    const last = this.#joined ? this.#behind.at(-1) : undefined;
    const used = last?.length ?? 0;
    if (!this.#joined || !last || used + chunk.length > JOINED_BYTES) {
      this.#joined = Buffer.allocUnsafeSlow(JOINED_BYTES);
      chunk.copy(this.#joined);
      this.#behind.push(this.#joined.subarray(0, chunk.length));
    } else {
      chunk.copy(this.#joined, used);
      this.#behind[this.#behind.length - 1] = this.#joined.subarray(0, used + chunk.length);
    }
  }

  /** Bytes that wait stay valid after the call in which they were received. */
  keep(): void {
    if (this.at >= this.chunk.length) return;
    const kept = toKept(this.chunk.subarray(this.at));
    if (kept.buffer === this.chunk.buffer) return;
    this.chunk = kept as Buffer; // a copy of one
    this.at = 0;
  }

  /** Whether the last bytes that wait are `CRLF CRLF`, the end of a head and of a body in chunks. */
  get endsWithEmptyLine(): boolean {
    let text = '';
    for (const piece of [this.chunk.subarray(this.at), ...this.#behind].slice(-4))
      text += piece.toString('latin1', Math.max(0, piece.length - 4));
    return text.endsWith('\r\n\r\n');
  }

  /** Makes the next piece the current one if that is read to its end. False if nothing waits. */
  next(): boolean {
    if (this.at < this.chunk.length) return true;
    const next = this.#behind.shift();
    if (this.#behind.length === 0) this.#joined = undefined;
    this.chunk = next ?? EMPTY;
    this.at = 0;
    this.#behindBytes -= this.chunk.length;
    return next !== undefined;
  }

  /** Removes all waiting bytes and returns them in one piece. */
  takeAll(): Buffer {
    this.keep();
    const rest = this.chunk.subarray(this.at);
    const all = this.#behind.length === 0 ? rest : Buffer.concat([rest, ...this.#behind]);
    this.clear();
    return all;
  }

  clear(): void {
    this.chunk = EMPTY;
    this.at = 0;
    this.#behind = [];
    this.#behindBytes = 0;
    this.#joined = undefined;
    // The end of the other side must be read, too.
    this.regulate(1);
  }

  /** Pauses the socket while at least `bytes` wait, and resumes it when they do not. */
  regulate(bytes: number): void {
    const isFull = this.size >= bytes;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }
}

const EMPTY = Buffer.alloc(0);
