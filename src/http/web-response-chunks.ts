import { Readable } from 'node:stream';
import { Fault } from '../contract/fault.ts';

/** The body of a Response, whatever it is made of, one chunk after the other. */
export interface Chunks {
  /** Rejects with what the function's stream failed with. A chunk may be anything. */
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Nothing more is wanted; a `next` that waits comes to an end. */
  cancel(reason: Error): void;
}

/** Throws `function_bad_answer` if it is no stream. */
export function toChunks(body: unknown): Chunks {
  if (hasReader(body)) return new WebChunks(body.getReader());
  if (body instanceof Readable) return new NodeChunks(body);
  throw new Fault('function_bad_answer', { message: 'the body of the Response is no stream' });
}

/** Not `instanceof`: a polyfill's stream, or another realm's, reads the same. */
function hasReader(body: unknown): body is ReadableStream {
  return typeof (body as Partial<ReadableStream> | null)?.getReader === 'function'; // is looked at
}

class WebChunks implements Chunks {
  readonly #reader: ReadableStreamDefaultReader;

  constructor(reader: ReadableStreamDefaultReader) {
    this.#reader = reader;
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.read() as Promise<IteratorResult<unknown, unknown>>; // the same but for `value` being optional
  }

  cancel(reason: Error): void {
    // What the function's own cancel() throws has nobody left to go to.
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
    // Without a reason, as that would be emitted as an error, perhaps to nobody, which ends the process.
    this.#stream.destroy();
  }
}
