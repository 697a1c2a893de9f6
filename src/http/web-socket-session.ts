import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { isPromise } from '../contract/is-promise.ts';
import type { SocketData, SocketTalker } from '../contract/upgrade.ts';

export interface WebSocketParts {
  /** Open; no message is read yet. */
  readonly socket: WebSocket;
  /** The handshake, as functions see it. */
  readonly request: IncomingMessage;
  readonly exchange: Exchange;
  readonly talker: SocketTalker;
  /** 0: no limit. */
  readonly idleTimeoutMs: number;
}

/** A message that the talker still processes. */
interface PendingMessage {
  readonly work: PromiseLike<unknown>;
  readonly bytes: number;
}

/**
 * Each message is passed to the talker when it arrives, as on the platforms: a talker may wait for
 * a message while it processes another one. Above these limits of messages or bytes in processing,
 * reading pauses until some are finished.
 */
const MOST_PENDING = 100;
const MOST_PENDING_BYTES = 16 * 1024 ** 2;

/**
 * One WebSocket from its handshake to the end of its connection. After its talker has failed, no
 * more messages are passed to it.
 */
export class WebSocketSession {
  /**
   * Resolves when the socket is closed. If the talker failed, it then rejects with the first Fault.
   */
  readonly settled: Promise<void>;
  readonly #socket: WebSocket;
  readonly #request: IncomingMessage;
  readonly #exchange: Exchange;
  readonly #talker: SocketTalker;
  readonly #idleTimeoutMs: number;
  readonly #pending = new Set<PendingMessage>();
  #pendingBytes = 0;
  #isPaused = false;
  #isOver = false;
  #fault: Fault | undefined;
  #resolve: () => void = () => {};
  #reject: (fault: Fault) => void = () => {};

  constructor({ socket, request, exchange, talker, idleTimeoutMs }: WebSocketParts) {
    this.#socket = socket;
    this.#request = request;
    this.#exchange = exchange;
    this.#talker = talker;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  start(): void {
    const { socket } = this.#exchange;
    this.#socket.on('message', this.#onMessage).on('error', this.#onError).on('close', this.#onClose);
    socket.setTimeout(this.#idleTimeoutMs, () =>
      this.#socket.close(1001, 'no data was sent or received within the idle timeout'),
    );
    this.#call(0, () => this.#talker.opened(this.#socket, this.#request));
    // The connection is paused until now.
    this.#socket.resume();
  }

  /** Closes the socket because the server shuts down. */
  end(): void {
    this.#socket.close(1001, 'the server is shutting down');
  }

  destroy(): void {
    this.#socket.terminate();
  }

  readonly #onMessage = (data: SocketData, isBinary: boolean): void => {
    if (this.#fault) return;
    this.#call(sizeOf(data), () => this.#talker.received(this.#socket, data, isBinary));
  };

  readonly #onError = (error: Error): void => {
    this.#exchange.fault ??= new Fault(isTooLarge(error) ? 'body_too_large' : 'bad_request', { cause: error });
    this.#call(0, () => this.#talker.failed(this.#socket, error));
  };

  readonly #onClose = (code: number, reason: Buffer): void => {
    this.#call(0, () => this.#talker.closed(this.#socket, code, reason));
    this.#isOver = true;
    const { pendingWork, answeredBy } = this.#exchange;
    // Work that continues after the response, like any other background work; otherwise its errors
    // would not be reported.
    for (const { work } of this.#pending) pendingWork.add(work, answeredBy);
    if (this.#fault) this.#reject(this.#fault);
    else this.#resolve();
  };

  #call(bytes: number, talk: () => unknown): void {
    try {
      const work = talk();
      if (isPromise(work)) void this.#await({ work, bytes });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #await(message: PendingMessage): Promise<void> {
    this.#pending.add(message);
    this.#pendingBytes += message.bytes;
    this.#pauseIfFull();
    try {
      await message.work;
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
    }
    this.#pending.delete(message);
    this.#pendingBytes -= message.bytes;
    if (!this.#isFull) this.#resume();
  }

  get #isFull(): boolean {
    return this.#pending.size >= MOST_PENDING || this.#pendingBytes >= MOST_PENDING_BYTES;
  }

  #pauseIfFull(): void {
    if (!this.#isFull || this.#isPaused || this.#fault) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #fail(error: unknown): void {
    this.#fault ??= error instanceof Fault ? error : new Fault('function_error', { cause: error });
    this.#exchange.fault ??= this.#fault;
    this.#socket.close(1011, 'Internal error');
    // Read on to the client's close frame; messages before it are dropped.
    this.#resume();
  }
}

function sizeOf(data: SocketData): number {
  return Array.isArray(data) ? data.reduce((bytes, { length }) => bytes + length, 0) : data.byteLength;
}

/** The error code of the ws package (ws, doc/ws.md, "Error codes"). */
function isTooLarge(error: NodeJS.ErrnoException): boolean {
  return error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
}
