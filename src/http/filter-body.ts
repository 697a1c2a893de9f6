import {
  type ReadableByteStreamController,
  ReadableStream,
  type ReadableStreamDefaultReader,
  type UnderlyingByteSource,
} from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { toWebBody } from './web-request-body.ts';

/**
 * The body of a request for a filter. A filter that reads it must answer the request;
 * otherwise the body stays unread for the target that answers.
 */
export class FilterBody implements UnderlyingByteSource {
  readonly type = 'bytes';
  readonly #exchange: Exchange;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isReleased = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Some of the body was read. */
  get isRead(): boolean {
    return this.#reader !== undefined;
  }

  /** Reads nothing from the client until the stream is read. */
  open(): ReadableStream<Uint8Array> {
    return new ReadableStream(this);
  }

  /**
   * Ends access of the filter, also through clones of the stream. Returns false if it has read
   * any of the body.
   */
  release(): boolean {
    this.#isReleased = true;
    return !this.isRead;
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    if (this.#isReleased) throw new Error('the body is no longer available: the filter did not answer the request');
    this.#reader ??= toWebBody(this.#exchange).getReader();
    const { value, done } = await this.#reader.read();
    if (!done) {
      controller.enqueue(value);
      return;
    }
    controller.close();
    // Completes a read into a buffer of the filter (Streams standard,
    // ReadableByteStreamController.close).
    controller.byobRequest?.respond(0);
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader?.cancel(reason);
  }
}
