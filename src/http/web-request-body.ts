import { type ReadableByteStreamController, ReadableStream, type UnderlyingByteSource } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import type { Fault } from '../contract/fault.ts';
import type { BodySink } from '../contract/http-message.ts';
import { withOwnedChunks } from '../contract/owned-chunks.ts';

/**
 * The body of a request as a byte stream. Before the stream is read, no byte is taken from the
 * client and no 100 (Continue) is sent. Reading rejects with a Fault if the client leaves
 * (`client_left`) or sends too much (`body_too_large`).
 */
export function toWebBody(exchange: Exchange): ReadableStream<Uint8Array> {
  return withOwnedChunks(new ReadableStream(new WebBody(exchange)));
}

class WebBody implements UnderlyingByteSource, BodySink {
  readonly type = 'bytes';
  readonly #exchange: Exchange;
  #controller: ReadableByteStreamController | undefined;
  /** True while a read waits for data. */
  #wanted = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Called for each read, because the stream buffers nothing (its high-water mark is 0). */
  pull(controller: ReadableByteStreamController): void {
    this.#wanted = true;
    if (this.#controller) this.#exchange.request.body.resume();
    else this.#begin(controller);
  }

  cancel(): void {
    this.#controller = undefined;
    this.#exchange.request.body.discard();
  }

  onData(content: Buffer): void {
    this.#wanted = false;
    this.#controller?.enqueue(ownsBuffer(content) ? content : new Uint8Array(content));
    // The enqueued chunk may already have caused the next pull.
    if (!this.#wanted) this.#exchange.request.body.pause();
  }

  onEnd(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
    // A read into the function's own buffer resolves only by this call (Streams standard 4.7.3,
    // close).
    controller?.byobRequest?.respond(0);
  }

  onFailure(fault: Fault): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.error(fault.code === 'client_left' && this.#exchange.response.isEnded ? tooLate() : fault);
  }

  #begin(controller: ReadableByteStreamController): void {
    this.#controller = controller;
    this.#exchange.request.body.start(this);
  }
}

/**
 * A byte stream detaches the ArrayBuffer of a chunk, so a chunk that shares its buffer must be
 * copied.
 */
function ownsBuffer(chunk: Buffer): boolean {
  return chunk.buffer.byteLength === chunk.length;
}

function tooLate(): Error {
  return new Error('the body of a request must be read before the response is complete');
}
