import type { Socket } from 'node:net';
import { CHUNKED } from './message-head.ts';
import { lend, toLendable } from './socket-reads.ts';
import { toLatin1 } from './written-content.ts';

/** The other side takes no body: what is written is dropped, as for a HEAD. */
export const DROPPED = -3;

/** Node writes a latin1 text of less than 16 KiB from the stack, at once: cheaper than pieces, up to here. */
const JOINED_BYTES = 16_000;

/**
 * Writes one message after the other to a socket: the head leaves together with the first bytes of the body. `write` and `end`
 * take bytes, or text, which is sent in UTF-8.
 */
export class MessageWriter {
  readonly #socket: Socket;
  #head = '';
  /** A length, CHUNKED, UNTIL_CLOSE or DROPPED. */
  #framing = DROPPED;
  #left = 0;
  /** Bytes of content of this message. */
  count = 0;
  /** A whole message that `release` sends. */
  #held = '';
  #holds = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The next message. `head`: with its empty line. `framing` as its headers say it. */
  begin(head: string, framing: number): void {
    this.#head = head;
    this.#framing = framing;
    this.#left = framing;
    this.count = 0;
  }

  /** Sends the head if it has not left yet. */
  flush(): void {
    if (this.#head === '') return;
    const head = this.#head;
    this.#head = '';
    this.#write(head);
  }

  /** False: wait for the socket's `drain`. Throws a RangeError for more than the announced length, and sends none of these bytes. */
  write(content: Uint8Array | string): boolean {
    const bytes = byteLength(content);
    if (bytes === 0 || this.#framing === DROPPED) return true;
    this.#take(bytes);
    if (this.#framing !== CHUNKED) return this.#send('', content, bytes, '');
    return this.#send(`${bytes.toString(16)}\r\n`, content, bytes, '\r\n');
  }

  /** The same as `end` for a whole message with its head. If it is a small one, it is sent only by `release`, and `isHolding` is true. */
  endLater(content: Uint8Array | string): boolean {
    this.#holds = true;
    try {
      return this.end(content, '');
    } finally {
      this.#holds = false;
    }
  }

  /** Sends a whole message, one character a byte; with `isLater` only in `release`. */
  sendText(text: string, isLater: boolean): void {
    if (isLater) this.#held = text;
    else this.#socket.write(text, 'latin1');
  }

  get isHolding(): boolean {
    return this.#held !== '';
  }

  /** Sends what is held. */
  release(): void {
    const held = this.#held;
    this.#held = '';
    this.#write(held);
  }

  /** Ends the message. False: less than the announced length was written, and the connection must be cut. Throws as `write`. */
  end(content: Uint8Array | string, trailers: string): boolean {
    const bytes = byteLength(content);
    if (this.#framing === DROPPED) this.flush();
    else {
      this.#take(bytes);
      if (this.#framing === CHUNKED) {
        const last = `0\r\n${trailers}\r\n`;
        if (bytes === 0) this.#send(last, '', 0, '');
        else this.#send(`${bytes.toString(16)}\r\n`, content, bytes, `\r\n${last}`);
      } else if (bytes === 0) this.flush();
      else this.#send('', content, bytes, '');
    }
    return this.#framing <= 0 || this.#left === 0;
  }

  /** The kernel has accepted all written bytes, which is the usual case. */
  get isFlushed(): boolean {
    return this.#socket.writableLength === 0 && this.#socket.writable;
  }

  /**
   * Calls `flushed` when the kernel has accepted all written bytes, or the socket closed. Only for a writer that is not flushed yet: a callback
   * costs an extra turn of the event loop, and this one an empty write.
   */
  whenFlushed(flushed: (error?: Error | null) => void): void {
    this.#socket.write('', flushed);
  }

  #write(text: string): boolean {
    if (!this.#holds) return this.#socket.write(text, 'latin1');
    this.#held = text;
    return true;
  }

  #take(bytes: number): void {
    this.count += bytes;
    if (this.#framing < 0) return;
    if (bytes > this.#left) {
      throw new RangeError(`the body is longer than its Content-Length of ${this.#framing} bytes`);
    }
    this.#left -= bytes;
  }

  /** The pending head, then the three parts, in as few writes as is cheap. */
  #send(before: string, content: Uint8Array | string, bytes: number, after: string): boolean {
    const socket = this.#socket;
    const front = this.#head + before;
    this.#head = '';
    if (bytes + front.length < JOINED_BYTES) {
      return this.#write(front + toLatin1(content, bytes) + after);
    }
    const sent = typeof content === 'string' ? content : toLendable(content);
    let ready: boolean;
    if (front === '' && after === '') ready = socket.write(sent, 'utf8');
    else {
      socket.cork();
      if (front !== '') socket.write(front, 'latin1');
      ready = socket.write(sent, 'utf8');
      if (after !== '') ready = socket.write(after, 'latin1');
      socket.uncork();
    }
    // Usually the kernel has accepted all of it; otherwise it is still in use.
    if (typeof sent !== 'string' && socket.writableLength > 0) lend(sent);
    return ready;
  }
}

function byteLength(content: Uint8Array | string): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
}
