import type { Socket } from 'node:net';
import { readInto } from './node-insides.ts';

const READ_BYTES = 64 * 1024;
/** A longer read is part of a long body: the next read gets separate memory, which is passed on without a copy. */
const MOST_SHARED_BYTES = 32 * 1024;

/**
 * The memory into which all sockets read. Node would allocate 64 KiB for each read, and cut them: as much work as the rest of the read. The next read of
 * any socket overwrites its content.
 */
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES);

/** Memory of one socket that is in use after the call in which it was filled: nothing may be read into it again. */
const HANDED_OUT = new WeakSet<ArrayBufferLike>();

/** The bytes in memory that no read overwrites: themselves, or a copy. */
export function toKept(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer === SHARED.buffer) return Buffer.from(bytes);
  HANDED_OUT.add(bytes.buffer);
  return bytes;
}

/** The same for bytes that probably need not be kept for long; whether they must be, `lend` says later. */
export function toLendable(bytes: Uint8Array): Uint8Array {
  return bytes.buffer === SHARED.buffer ? Buffer.from(bytes) : bytes;
}

/** The bytes, as `toLendable` gave them, must be kept. */
export function lend(bytes: Uint8Array): void {
  HANDED_OUT.add(bytes.buffer);
}

/** For `net.connect`. */
interface OnRead {
  readonly buffer: () => Buffer;
  /** False: read no further. */
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

export interface ReadListener {
  /** In the middle of a body: more of it will come. */
  readonly isReceiving: boolean;
  /** The bytes are valid during the call; see `toKept`. */
  received(bytes: Buffer): void;
}

/** The reads of one socket. Without a listener what is received goes into its stream, as on any other socket. */
export class SocketReads {
  readonly onread: OnRead = { buffer: () => this.#next(), callback: (bytes, buffer) => this.#take(bytes, buffer) };
  #socket: Socket | undefined;
  #listener: ReadListener | undefined;
  #wasLarge = false;
  /** Of this socket, while it receives a long body. */
  #own: Buffer | undefined;

  /** Of a socket that was connected with `onread`. */
  begin(socket: Socket, listener: ReadListener): void {
    this.#socket = socket;
    this.#listener = listener;
  }

  /** Of a socket that a server accepted. */
  beginAccepted(socket: Socket, listener: ReadListener): void {
    this.begin(socket, listener);
    // With TLS, and with a version of Node that differs here, the socket is read as a stream.
    if (!readInto(socket, this.onread)) socket.on('data', this.#onData);
  }

  /** Idempotent. */
  end(): void {
    this.#listener = undefined;
    this.#socket?.off('data', this.#onData);
  }

  readonly #onData = (bytes: Buffer): void => this.#listener?.received(bytes);

  #next(): Buffer {
    // An idle connection keeps no memory.
    if (!this.#wasLarge || !this.#listener?.isReceiving) this.#own = undefined;
    else if (!this.#own || HANDED_OUT.has(this.#own.buffer)) this.#own = Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#own ?? SHARED;
  }

  #take(bytes: number, buffer: Uint8Array): boolean {
    this.#wasLarge = bytes > MOST_SHARED_BYTES;
    const received = (buffer as Buffer).subarray(0, bytes); // of #next
    if (!this.#listener) return this.#socket?.push(toKept(received)) === true;
    this.#listener.received(received);
    return true;
  }
}
