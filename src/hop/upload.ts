import { EventEmitter } from 'node:events';
import type { Exchange } from '../contract/exchange.ts';

/** Called whenever a chunk of the body was forwarded. */
export interface Mover {
  moved(): void;
}

/**
 * The body of a forwarded request: a minimal Readable for undici.
 *
 * If anything fails, undici destroys the stream that it was given, and for an IncomingMessage this
 * takes the socket too; the client could then get no error response. Destroying an Upload only
 * stops the flow. The component that ends the connection handles the rest of the body.
 */
export class Upload extends EventEmitter {
  readonly #exchange: Exchange;
  readonly #mover: Mover;
  #flowing = false;
  #over = false;
  // The members of a Readable that undici reads: whether it destroys itself, and whether it has
  // ended.
  readonly _readableState = { autoDestroy: true, objectMode: false, ended: false, length: 0 };
  readableEnded = false;
  destroyed = false;
  closed = false;
  errored: Error | null = null;

  constructor(exchange: Exchange, mover: Mover) {
    super();
    this.#exchange = exchange;
    this.#mover = mover;
  }

  /** undici recognizes a stream by this method and never calls it for a request body. */
  pipe(): never {
    throw new Error('pipe() is not supported; read an Upload by its data events');
  }

  pause(): this {
    this.#exchange.request.pause();
    return this;
  }

  resume(): this {
    if (this.#over) return this;
    if (!this.#flowing) this.#start();
    this.#exchange.request.resume();
    return this;
  }

  destroy(): this {
    this.destroyed = true;
    this.#stop();
    return this;
  }

  #start(): void {
    this.#flowing = true;
    this.#exchange.request
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#onClose);
  }

  /**
   * Idempotent. Later bytes of the client are read and dropped, so that the connection can close
   * normally.
   */
  #stop(): void {
    if (this.#over) return;
    this.#over = true;
    const { request } = this.#exchange;
    request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    request.resume();
    // The error listener stays: the client may still break the connection, and an 'error' event
    // without a listener ends the process.
    if (!this.#flowing) request.on('error', this.#onError);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#mover.moved();
    try {
      this.#exchange.countBody(chunk.length);
    } catch (error) {
      this.#onError(error as Error); // a Fault
      return;
    }
    this.emit('data', chunk);
  };

  readonly #onEnd = (): void => {
    this.readableEnded = true;
    this.#stop();
    this.emit('end');
  };

  readonly #onError = (error: Error): void => {
    if (this.#over) return;
    this.errored = error;
    this.#stop();
    this.emit('error', error);
  };

  /** The client left before the end; otherwise the hop would wait for the rest. */
  readonly #onClose = (): void => {
    if (!this.readableEnded) this.#onError(new Error('the client left before its body was complete'));
  };
}
