import type { ReadableStream, ReadableStreamDefaultReader } from 'node:stream/web';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { BodySink, BodySource } from '../contract/http-message.ts';
import { NO_BODY } from '../wire/client-body.ts';
import { hasBody } from './headers.ts';

/**
 * The body of a Request that a filter has made for the rest of the path. Undefined: that of the client, if there is one that no Request can have (GET and
 * HEAD).
 */
export function toBodyOf(
  { method, body }: Pick<Request, 'method' | 'body'>,
  exchange: Exchange,
): BodySource | undefined {
  const { request } = exchange;
  if (body) return new StreamBody(body as never); // two declarations of one class
  const isBodyless = request.method === 'GET' || request.method === 'HEAD';
  return hasBody(request) && !(isBodyless && method === request.method) ? NO_BODY : undefined;
}

/** A web stream as the body of a request: what a filter passes on after it has read the client's body. Its length is not known. */
export class StreamBody implements BodySource {
  readonly announcedBytes = -1;
  readonly trailers: readonly string[] = [];
  receivedBytes = 0;
  isComplete = false;
  isStarted = false;
  fault: Fault | undefined;
  readonly #stream: ReadableStream<unknown>;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #sink: BodySink | undefined;
  #limitBytes = 0;
  #isPaused = false;
  #isReading = false;

  constructor(stream: ReadableStream<unknown>) {
    this.#stream = stream;
  }

  /** The filter produces it, not the client. */
  get isAwaited(): boolean {
    return false;
  }

  limit(bytes: number): void {
    if (bytes > 0 && (this.#limitBytes === 0 || bytes < this.#limitBytes)) this.#limitBytes = bytes;
  }

  async peek(): Promise<Buffer> {
    throw new Error('a body of unknown length cannot be read ahead');
  }

  start(sink: BodySink): void {
    if (this.isStarted) throw new Error('a body was started a second time');
    this.isStarted = true;
    this.#sink = sink;
    this.#reader = this.#stream.getReader();
    void this.#read(this.#reader);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#reader) void this.#read(this.#reader);
  }

  discard(): void {
    this.#sink = undefined;
    // The stream reports it to the filter; an error of the filter has no reader here.
    (this.#reader ?? this.#stream).cancel().catch(() => {});
  }

  async #read(reader: ReadableStreamDefaultReader<unknown>): Promise<void> {
    if (this.#isReading || this.isComplete) return;
    this.#isReading = true;
    try {
      while (!this.#isPaused && this.#sink) {
        const { done, value } = await reader.read();
        if (done) {
          this.isComplete = true;
          this.#sink?.onEnd();
          return;
        }
        this.#take(toBytes(value));
      }
    } catch (error) {
      this.#fail(error instanceof Fault ? error : new Fault('function_error', { cause: error }));
    } finally {
      this.#isReading = false;
    }
    // It was resumed while the last piece was passed on.
    if (!this.#isPaused && this.#sink && !this.isComplete && !this.fault) void this.#read(reader);
  }

  #take(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    if (this.#limitBytes > 0 && this.receivedBytes > this.#limitBytes) throw new Fault('body_too_large');
    if (bytes.length > 0) this.#sink?.onData(bytes);
  }

  #fail(fault: Fault): void {
    this.fault = fault;
    const sink = this.#sink;
    this.discard();
    sink?.onFailure(fault);
  }
}

function toBytes(chunk: unknown): Buffer {
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`a chunk of a body must be bytes, got ${typeof chunk}`);
}
