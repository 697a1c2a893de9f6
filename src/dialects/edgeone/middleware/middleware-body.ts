import {
  type ReadableByteStreamController,
  ReadableStream,
  type ReadableStreamDefaultReader,
  type UnderlyingByteSource,
} from 'node:stream/web';
import type { Exchange } from '../../../contract/exchange.ts';
import { toWebBody } from '../../../http/web-request-body.ts';

/** The body of a request as a middleware sees it: it may read it and answer, or leave it to whoever answers after it, but not both. */
export class MiddlewareBody implements UnderlyingByteSource {
  readonly type = 'bytes';
  readonly #exchange: Exchange;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isGivenBack = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Nothing is taken from the client before it is read. */
  open(): ReadableStream<Uint8Array> {
    return new ReadableStream(this);
  }

  /** True if nobody read of it. Nobody can then, also not a clone that is still held. */
  giveBack(): boolean {
    this.#isGivenBack = true;
    return this.#reader === undefined;
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    if (this.#isGivenBack) throw new Error('the middleware passed the request on, and its body with it');
    this.#reader ??= toWebBody(this.#exchange).getReader();
    const { value, done } = await this.#reader.read();
    if (!done) {
      controller.enqueue(value);
      return;
    }
    controller.close();
    // A read into the function's own buffer is answered only by this (Streams standard, ReadableByteStreamController.close).
    controller.byobRequest?.respond(0);
  }

  async cancel(reason: unknown): Promise<void> {
    await this.#reader?.cancel(reason);
  }
}
