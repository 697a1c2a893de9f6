import { Readable } from 'node:stream';
import { Fault } from '../contract/fault.ts';
import { ownsChunks } from '../contract/owned-chunks.ts';

/** The body of a Response as a sequence of chunks, for every kind of stream. */
export interface Chunks {
  /** Nothing else uses the memory of the chunks: it may be freed. */
  readonly areOwned: boolean;
  /** Rejects with the error of the function's stream. A chunk may have any type. */
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Cancels the stream. A pending `next` settles. */
  cancel(reason: Error): void;
}

/** Throws `function_bad_answer` if the body is not a stream. */
export function toChunks(body: unknown): Chunks {
  if (hasReader(body)) return new WebChunks(body.getReader(), ownsChunks(body));
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
  readonly areOwned: boolean;
  readonly #reader: ReadableStreamDefaultReader;

  constructor(reader: ReadableStreamDefaultReader, areOwned: boolean) {
    this.#reader = reader;
    this.areOwned = areOwned;
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.read() as Promise<IteratorResult<unknown, unknown>>; // differs only in `value` being optional
  }

  cancel(reason: Error): void {
    // No caller is left to receive an error of the function's cancel().
    this.#reader.cancel(reason).catch(() => {});
  }
}

/** The pieces of a body that has no stream, as the stream that Node makes of them has them. */
export class PieceChunks implements Chunks {
  readonly areOwned = false;
  readonly #iterator: AsyncIterator<unknown, unknown>;
  /** Settles the pending `next`. */
  #stop: (() => void) | undefined;

  constructor(pieces: AsyncIterable<unknown>) {
    this.#iterator = pieces[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<unknown, unknown>>();
    this.#stop = () => resolve(END);
    this.#read().then(resolve, reject);
    return promise;
  }

  cancel(reason: Error): void {
    this.#stop?.();
    // No caller is left to receive an error of the site's code.
    void (async () => this.#iterator.return?.(reason))().catch(() => {});
  }

  async #read(): Promise<IteratorResult<unknown, unknown>> {
    for (;;) {
      const result = await this.#iterator.next();
      if (result.done) return result;
      // Throws for values that Node's stream does not take. A copy: the code of the site may use its memory again for the next piece.
      const bytes = Buffer.from(result.value as Uint8Array);
      if (bytes.length > 0) return { done: false, value: bytes };
    }
  }
}

const END: IteratorResult<unknown, unknown> = { done: true, value: undefined };

class NodeChunks implements Chunks {
  readonly areOwned = false;
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
