import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ReadableByteStreamController, ReadableStream, type UnderlyingByteSource } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';

/**
 * The body of a request as a byte stream. Before the stream is read, no byte is taken from the
 * client and no 100 (Continue) is sent. Reading rejects with a Fault if the client leaves
 * (`client_left`) or sends too much (`body_too_large`).
 */
export function toWebBody(exchange: Exchange): ReadableStream<Uint8Array> {
  return new ReadableStream(new BodySource(exchange));
}

class BodySource implements UnderlyingByteSource {
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
    if (!this.#controller) this.#begin(controller);
    this.#exchange.request.resume();
  }

  cancel(): void {
    this.#discard();
  }

  #begin(controller: ReadableByteStreamController): void {
    this.#controller = controller;
    const { request, response } = this.#exchange;
    const reason = toReadError(request, response);
    if (reason) {
      this.#end(reason);
      return;
    }
    this.#exchange.admitBody();
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onLost);
    response.once('close', this.#onAnswered);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { request } = this.#exchange;
    try {
      this.#exchange.countBody(chunk.length);
    } catch (fault) {
      this.#refuse(fault);
      return;
    }
    this.#wanted = false;
    this.#controller?.enqueue(ownsBuffer(chunk) ? chunk : new Uint8Array(chunk));
    // The enqueued chunk may already have caused the next pull.
    if (!this.#wanted) request.pause();
  };

  readonly #onEnd = (): void => this.#end(undefined);

  readonly #onLost = (): void =>
    this.#end(new Fault('client_left', { message: 'the client left before its body was complete' }));

  /**
   * The rest of the body precedes the next request on the connection, so it is dropped unless a
   * reader still reads. Such a reader may be between two reads, but not for a whole turn of the
   * event loop.
   */
  readonly #onAnswered = (): void => {
    setImmediate(() => {
      if (!this.#wanted) this.#end(tooLate());
    });
  };

  #refuse(fault: unknown): void {
    const { response } = this.#exchange;
    // The rest of the body is not read, so no other request can follow on this connection.
    response.shouldKeepAlive = false;
    this.#end(fault);
  }

  /** Closes the stream, or fails it with the error. */
  #end(error: unknown): void {
    const controller = this.#controller;
    if (!controller) return;
    this.#discard();
    if (error !== undefined) {
      controller.error(error);
      return;
    }
    controller.close();
    // A read into the function's own buffer resolves only by this call (Streams standard 4.7.3,
    // close).
    controller.byobRequest?.respond(0);
  }

  #discard(): void {
    const { request, response } = this.#exchange;
    this.#controller = undefined;
    request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onLost);
    response.off('close', this.#onAnswered);
    request.resume();
  }
}

/** Why the body can no longer be read; undefined if it can. */
function toReadError(request: IncomingMessage, response: ServerResponse): Error | undefined {
  if (request.readableAborted) return new Fault('client_left');
  if (response.writableFinished) return tooLate();
  // Only a host's server can have read the body before.
  if (request.readableDidRead) return readBefore();
  return request.destroyed ? tooLate() : undefined;
}

function readBefore(): Fault {
  const remedy = 'mount nexthop before body parsers such as express.json()';
  return new Fault('internal', { message: `the body of the request was read before nexthop received it: ${remedy}` });
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
