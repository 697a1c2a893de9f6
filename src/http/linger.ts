import type { Socket } from 'node:net';

export interface LingerLimits {
  /** Closes when the client has sent nothing for this time. */
  readonly idleMs: number;
  /** Closes after this time in any case. */
  readonly totalMs: number;
  /** Closes when the client has sent this many bytes. */
  readonly maxBytes: number;
}

/**
 * A slow client that reads only after it has sent everything gets its response if it finishes
 * within these limits.
 */
const LIMITS: LingerLimits = { idleMs: 2000, totalMs: 5000, maxBytes: 64 * 1024 ** 2 };

/**
 * For a response that ends before the request's body was read. If the connection closed at once,
 * the kernel would reset it because of the unread bytes, and a client that is still sending could
 * lose the response (RFC 9112 9.6). So when node:http closes this connection after its last
 * response, only the sending side ends. Received bytes are read and dropped until the client closes
 * or a limit is reached. They are not parsed: a request after the last response must not be
 * processed.
 */
export function lingerOnClose(socket: Socket, limits: Partial<LingerLimits> = {}): void {
  // node:http calls destroySoon only to close after the last response (_http_server.js,
  // resOnFinish).
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

  /**
   * Detaches node:http's parser, which would emit the next request or an error for the unfinished
   * one.
   */
  #detach(): void {
    for (const event of ['data', 'end', 'error']) this.#socket.removeAllListeners(event);
  }

  /**
   * The parser reads from the handle, below the stream, so the stream still waits for its first
   * read. An empty push ends that wait. Then `resume` starts a new read, even if the parser had
   * stopped reading.
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
