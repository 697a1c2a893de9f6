import { EventEmitter } from 'node:events';
import type { Exchange } from '../contract/exchange.ts';

/** Is told whenever a piece of the body moved on. */
export interface Mover {
  moved(): void;
}

/**
 * The body of a request on its way to the hop: just enough of a Readable for undici.
 *
 * undici destroys the stream it is given when anything fails, and takes the socket from an IncomingMessage when it does;
 * the client could then be told nothing. This one stands between: destroying it only stops the flow, and the
 * rest of the body is left to whoever ends the connection.
 */
export class Upload extends EventEmitter {
  readonly #exchange: Exchange;
  readonly #mover: Mover;
  #flowing = false;
  #over = false;
  // What undici asks of a Readable: that nobody else needs to destroy it, and whether it is over already.
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

  /** undici tells a stream by it and never calls it for a request body. */
  pipe(): never {
    throw new Error('an Upload is read by its data events');
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

  /** Idempotent. What still comes from the client is read and dropped, so that the connection can end in order. */
  #stop(): void {
    if (this.#over) return;
    this.#over = true;
    const { request } = this.#exchange;
    request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    request.resume();
    // The error listener stays: the client may yet break off, and an error nobody listens to ends the process.
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

  /** The client left in the middle; without this the hop would wait for the rest. */
  readonly #onClose = (): void => {
    if (!this.readableEnded) this.#onError(new Error('the client left before its whole body came'));
  };
}
