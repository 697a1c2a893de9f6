import type { WebSocket } from 'ws';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { SocketData, SocketTalker } from '../contract/upgrade.ts';

export interface WebSocketParts {
  /** Open, and nothing of it is read yet. */
  readonly socket: WebSocket;
  readonly exchange: Exchange;
  readonly talker: SocketTalker;
  /** 0: no limit. */
  readonly idleTimeoutMs: number;
}

/** A message whose talker has not finished with it. */
interface Attended {
  readonly work: PromiseLike<unknown>;
  readonly bytes: number;
}

/**
 * Messages are handed over as they come, as on the platforms: a talker may wait for a message while it attends to another one.
 * But once so many are being attended to, or so many bytes of them, no more is read before some are done with.
 */
const MOST_ATTENDED = 100;
const MOST_ATTENDED_BYTES = 16 * 1024 ** 2;

/** One WebSocket from its handshake to the end of its connection. Once its talker has failed, it hears of no more messages. */
export class WebSocketSession {
  /** Resolves when the socket is closed, rejects then with the Fault by which its talker failed first. */
  readonly settled: Promise<void>;
  readonly #socket: WebSocket;
  readonly #exchange: Exchange;
  readonly #talker: SocketTalker;
  readonly #idleTimeoutMs: number;
  readonly #attended = new Set<Attended>();
  #attendedBytes = 0;
  #isHeld = false;
  #isOver = false;
  #fault: Fault | undefined;
  #resolve: () => void = () => {};
  #reject: (fault: Fault) => void = () => {};

  constructor({ socket, exchange, talker, idleTimeoutMs }: WebSocketParts) {
    this.#socket = socket;
    this.#exchange = exchange;
    this.#talker = talker;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  start(): void {
    const { request, socket } = this.#exchange;
    this.#socket.on('message', this.#onMessage).on('error', this.#onError).on('close', this.#onClose);
    socket.setTimeout(this.#idleTimeoutMs, () => this.#socket.close(1001, 'nothing has moved for too long'));
    this.#attend(0, () => this.#talker.opened(this.#socket, request));
    // The connection was given to us paused.
    this.#socket.resume();
  }

  /** The edge is going down. */
  end(): void {
    this.#socket.close(1001, 'the server is going down');
  }

  destroy(): void {
    this.#socket.terminate();
  }

  readonly #onMessage = (data: SocketData, isBinary: boolean): void => {
    if (this.#fault) return;
    this.#attend(sizeOf(data), () => this.#talker.received(this.#socket, data, isBinary));
  };

  readonly #onError = (error: Error): void => {
    this.#exchange.fault ??= new Fault(isTooLarge(error) ? 'body_too_large' : 'bad_request', { cause: error });
    this.#attend(0, () => this.#talker.failed(this.#socket, error));
  };

  readonly #onClose = (code: number, reason: Buffer): void => {
    this.#attend(0, () => this.#talker.closed(this.#socket, code, reason));
    this.#isOver = true;
    const { pendingWork, answeredBy } = this.#exchange;
    // Work that outlives its answer, as every other; nobody else would hear that it failed.
    for (const { work } of this.#attended) pendingWork.add(work, answeredBy);
    if (this.#fault) this.#reject(this.#fault);
    else this.#resolve();
  };

  #attend(bytes: number, talk: () => unknown): void {
    try {
      const work = talk();
      if (isPromise(work)) void this.#await({ work, bytes });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #await(attended: Attended): Promise<void> {
    this.#attended.add(attended);
    this.#attendedBytes += attended.bytes;
    this.#hold();
    try {
      await attended.work;
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
    }
    this.#attended.delete(attended);
    this.#attendedBytes -= attended.bytes;
    if (!this.#isFull) this.#readOn();
  }

  get #isFull(): boolean {
    return this.#attended.size >= MOST_ATTENDED || this.#attendedBytes >= MOST_ATTENDED_BYTES;
  }

  #hold(): void {
    if (!this.#isFull || this.#isHeld || this.#fault) return;
    this.#isHeld = true;
    this.#socket.pause();
  }

  #readOn(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#socket.resume();
  }

  #fail(error: unknown): void {
    this.#fault ??= error instanceof Fault ? error : new Fault('function_error', { cause: error });
    this.#exchange.fault ??= this.#fault;
    this.#socket.close(1011, 'Internal error');
    // To the close frame of the client; messages before it are dropped.
    this.#readOn();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function sizeOf(data: SocketData): number {
  return Array.isArray(data) ? data.reduce((bytes, { length }) => bytes + length, 0) : data.byteLength;
}

/** As the package names it (ws, doc/ws.md, "Error codes"). */
function isTooLarge(error: NodeJS.ErrnoException): boolean {
  return error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
}
