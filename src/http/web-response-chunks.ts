import { Readable } from 'node:stream';
import { Fault } from '../contract/fault.ts';

/** The body of a Response as a sequence of chunks, for every kind of stream. */
export interface Chunks {
  /** Rejects with the error of the function's stream. A chunk may have any type. */
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Cancels the stream. A pending `next` settles. */
  cancel(reason: Error): void;
}

/** Throws `function_bad_answer` if the body is not a stream. */
export function toChunks(body: unknown): Chunks {
  if (hasReader(body)) return new WebChunks(body.getReader());
  if (body instanceof Readable) return new NodeChunks(body);
  throw new Fault('function_bad_answer', {
    message: 'the body of the Response must be a stream (ReadableStream or Node Readable)',
  });
}

/** Not `instanceof`: streams of a polyfill or of another realm work too. */
function hasReader(body: unknown): body is ReadableStream {
  return typeof (body as Partial<ReadableStream> | null)?.getReader === 'function'; // checked here
}

class WebChunks implements Chunks {
  readonly #reader: ReadableStreamDefaultReader;

  constructor(reader: ReadableStreamDefaultReader) {
    this.#reader = reader;
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.read() as Promise<IteratorResult<unknown, unknown>>; // differs only in `value` being optional
  }

  cancel(reason: Error): void {
    // No caller is left to receive an error of the function's cancel().
    this.#reader.cancel(reason).catch(() => {});
  }
}

class NodeChunks implements Chunks {
  readonly #stream: Readable;
  readonly #iterator: AsyncIterator<unknown, unknown>;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#iterator.next();
  }

  cancel(): void {
    // Without a reason: it would be emitted as 'error', and without a listener that ends the
    // process.
    this.#stream.destroy();
  }
}
