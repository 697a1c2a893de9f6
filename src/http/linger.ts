import type { Socket } from 'node:net';

export interface LingerLimits {
  /** Ends when the client has sent nothing for so long. */
  readonly idleMs: number;
  /** Ends in any case after so long. */
  readonly totalMs: number;
  /** Ends when the client has sent so much for nothing. */
  readonly maxBytes: number;
}

/** A client on a slow line that only reads after it has sent everything gets its answer if it is done by then. */
const LIMITS: LingerLimits = { idleMs: 2000, totalMs: 5000, maxBytes: 64 * 1024 ** 2 };

/**
 * For an answer that ends before its request's body was read: closing at once would make the kernel reset the connection because
 * of the unread bytes, and a client that is still sending could lose the answer (RFC 9112 9.6). So when node:http closes this
 * connection after its last answer, only our side ends; what still comes is read and thrown away until the client closes or a
 * limit is reached. Nothing of it is parsed: no request behind the last answer may be acted on.
 */
export function lingerOnClose(socket: Socket, limits: Partial<LingerLimits> = {}): void {
  // node:http calls destroySoon, and only for that (_http_server.js, resOnFinish).
  socket.destroySoon = () => new Lingering(socket, { ...LIMITS, ...limits }).start();
}

class Lingering {
  readonly #socket: Socket;
  readonly #limits: LingerLimits;
  #bytes = 0;
  #idle: NodeJS.Timeout | undefined;
  #total: NodeJS.Timeout | undefined;

  constructor(socket: Socket, limits: LingerLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  start(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.#detach();
    const end = () => socket.destroy();
    this.#idle = setTimeout(end, this.#limits.idleMs);
    this.#total = setTimeout(end, this.#limits.totalMs);
    socket
      .on('data', (chunk: Buffer) => this.#discard(chunk.length))
      .on('error', end)
      .once('close', () => this.#stop());
    this.#readOn();
    socket.end();
  }

  /** From node:http's parser, which would hand out the next request, or complain that this one was not finished. */
  #detach(): void {
    for (const event of ['data', 'end', 'error']) this.#socket.removeAllListeners(event);
  }

  /**
   * The parser took the bytes below the stream, so the stream still waits for the read of its first moment; an empty push ends
   * that wait, and resuming then starts a read of its own, also where the parser had stopped reading.
   */
  #readOn(): void {
    this.#socket.push('');
    this.#socket.resume();
  }

  #discard(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.maxBytes) this.#socket.destroy();
    else this.#idle?.refresh();
  }

  #stop(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#total);
  }
}
