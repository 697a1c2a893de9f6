import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ReadableByteStreamController, ReadableStream, type UnderlyingByteSource } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';

/**
 * The body of a request as a byte stream. Nothing is taken from the client, and it is not told to go on (100-continue),
 * before the stream is read. Reading rejects with a Fault when the client leaves (`client_left`) or sends too much
 * (`body_too_large`).
 */
export function toWebBody(exchange: Exchange): ReadableStream<Uint8Array> {
  return new ReadableStream(new BodySource(exchange));
}

class BodySource implements UnderlyingByteSource {
  readonly type = 'bytes';
  readonly #exchange: Exchange;
  #controller: ReadableByteStreamController | undefined;
  /** A read waits for data. */
  #wanted = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Called for each read that finds nothing, as the stream holds nothing in store (its high-water mark is 0). */
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
    const reason = whyNot(request, response);
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
    this.#controller?.enqueue(isAlone(chunk) ? chunk : new Uint8Array(chunk));
    // The enqueued chunk may have led to the next pull already.
    if (!this.#wanted) request.pause();
  };

  readonly #onEnd = (): void => this.#end(undefined);

  readonly #onLost = (): void =>
    this.#end(new Fault('client_left', { message: 'the client left before its body was complete' }));

  /**
   * What is left of the body stands between this request and the next one on the connection, so it is dropped, unless
   * somebody reads on. Who does so is between two reads now and then, but not for a whole turn of the event loop.
   */
  readonly #onAnswered = (): void => {
    setImmediate(() => {
      if (!this.#wanted) this.#end(tooLate());
    });
  };

  #refuse(fault: unknown): void {
    const { response } = this.#exchange;
    // The rest of the body is not taken, so nothing can follow on this connection.
    response.shouldKeepAlive = false;
    this.#end(fault);
  }

  /** Ends the stream, in order or with an error. */
  #end(error: unknown): void {
    const controller = this.#controller;
    if (!controller) return;
    this.#discard();
    if (error !== undefined) {
      controller.error(error);
      return;
    }
    controller.close();
    // A read into the function's own buffer is answered only by this (Streams standard 4.7.3, close).
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

/** Why the body of a request can no longer be read, if so. */
function whyNot(request: IncomingMessage, response: ServerResponse): Error | undefined {
  if (request.readableAborted) return new Fault('client_left');
  if (response.writableFinished) return tooLate();
  // Of a server of our own nobody asks before.
  if (request.readableDidRead) return readBefore();
  return request.destroyed ? tooLate() : undefined;
}

function readBefore(): Fault {
  const remedy = 'mount nexthop before body parsers such as express.json()';
  return new Fault('internal', { message: `the body of the request was read before nexthop got it: ${remedy}` });
}

/** A byte stream takes the memory of a chunk away from everybody else, so a chunk that shares its own must be copied. */
function isAlone(chunk: Buffer): boolean {
  return chunk.buffer.byteLength === chunk.length;
}

function tooLate(): Error {
  return new Error('the body of a request must be read before the answer is complete');
}
