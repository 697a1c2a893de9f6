import { type ReadableByteStreamController, ReadableStream, type UnderlyingByteSource } from 'node:stream/web';
import { Fault } from '../contract/fault.ts';
import type { Content } from '../contract/http-message.ts';
import type { AnswerReader, CapturedResponse } from './captured-response.ts';

/** How long a body is kept that work of a filter has begun to read, after the filter has answered. */
const ABANDONED_MS = 30_000;

const ENCODER = new TextEncoder();

/** The content of a captured response as a byte stream. Nothing is taken from the response before the stream is read. */
export class CapturedBody implements UnderlyingByteSource, AnswerReader {
  readonly type = 'bytes';
  readonly stream: ReadableStream<Uint8Array>;
  readonly #captured: CapturedResponse;
  readonly #faultOf: () => Fault | undefined;
  #controller: ReadableByteStreamController | undefined;
  #isStarted = false;
  /** True while a read waits for content. */
  #isWanted = false;

  /** `faultOf`: why the response was cut. */
  constructor(captured: CapturedResponse, faultOf: () => Fault | undefined) {
    this.#captured = captured;
    this.#faultOf = faultOf;
    this.stream = new ReadableStream(this);
  }

  /** Called for each read, because the stream buffers nothing (its high-water mark is 0). */
  pull(controller: ReadableByteStreamController): void {
    this.#isWanted = true;
    if (this.#isStarted) {
      this.#captured.drained();
      return;
    }
    this.#isStarted = true;
    this.#controller = controller;
    this.#captured.passTo(this);
  }

  cancel(): void {
    this.#controller = undefined;
    this.#captured.abort();
  }

  write(content: Content): boolean {
    if (content.length === 0) return true;
    this.#isWanted = false;
    // A byte stream takes the memory of a chunk away, and this may be a file that is kept in memory.
    this.#controller?.enqueue(typeof content === 'string' ? ENCODER.encode(content) : new Uint8Array(content));
    // The enqueued chunk may already have caused the next pull.
    return this.#isWanted;
  }

  end(content: Content = ''): void {
    this.write(content);
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
    // A read into the filter's own buffer resolves only by this call (Streams standard 4.7.3, close).
    controller?.byobRequest?.respond(0);
  }

  abort(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.error(this.#faultOf() ?? new Fault('client_left'));
  }

  /** The filter has answered. Work that it has left (`waitUntil`) may read on; if nothing is read, the response is stopped. */
  release(): void {
    if (!this.#isStarted) this.cancel();
    else this.#stopIfIdle();
  }

  #stopIfIdle(): void {
    if (this.#captured.isClosed) return;
    const { sentBytes } = this.#captured;
    setTimeout(() => {
      if (sentBytes === this.#captured.sentBytes && !this.#isWanted) this.cancel();
      else this.#stopIfIdle();
    }, ABANDONED_MS).unref();
  }
}
