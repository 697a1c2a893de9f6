import {
  type ReadableByteStreamController,
  ReadableStream,
  type ReadableStreamDefaultReader,
  type UnderlyingByteSource,
} from 'node:stream/web';
import type { Exchange } from '../../../contract/exchange.ts';
import { toWebBody } from '../../../http/web-request-body.ts';

/**
 * The body of a request for a middleware. A middleware that reads it must answer the request;
 * otherwise the body stays unread for the target that answers.
 */
export class MiddlewareBody implements UnderlyingByteSource {
  readonly type = 'bytes';
  readonly #exchange: Exchange;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isReleased = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Reads nothing from the client until the stream is read. */
  open(): ReadableStream<Uint8Array> {
    return new ReadableStream(this);
  }

  /**
   * Ends access of the middleware, also through clones of the stream. Returns false if it has read
   * any of the body.
   */
  release(): boolean {
    this.#isReleased = true;
    return this.#reader === undefined;
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    if (this.#isReleased) throw new Error('the body is no longer available: the middleware did not answer the request');
    this.#reader ??= toWebBody(this.#exchange).getReader();
    const { value, done } = await this.#reader.read();
    if (!done) {
      controller.enqueue(value);
      return;
    }
    controller.close();
    // Completes a read into a buffer of the middleware (Streams standard,
    // ReadableByteStreamController.close).
    controller.byobRequest?.respond(0);
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader?.cancel(reason);
  }
}
