import { Readable } from 'node:stream';
import { Fault } from '../fault.ts';
import type { Exchange, LeaveListener } from './exchange.ts';
import type { WebResponseHead } from './web-response-head.ts';

/**
 * Writes the head and the body of a function's answer, as fast as the client takes it. A body that is at hand at once goes out in one write with its
 * length; the head of one that is not goes out before its first chunk (event streams).
 */
export class BodyWriter implements LeaveListener {
  readonly #exchange: Exchange;
  readonly #head: WebResponseHead;
  readonly #body: unknown;
  #chunks: Chunks | undefined;
  #held: Uint8Array | undefined;
  #headSent = false;
  #finished = false;
  #settle: (() => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor(exchange: Exchange, head: WebResponseHead, body: unknown) {
    this.#exchange = exchange;
    this.#head = head;
    this.#body = body;
  }

  async write(): Promise<void> {
    const body = this.#body;
    if (body === null || body === undefined) return this.#end(undefined);
    if (typeof body === 'string' || body instanceof Uint8Array) return this.#end(toBytes(body));
    const chunks = toChunks(body);
    if (this.#head.isAll) {
      chunks.cancel(new Fault('client_left', { message: 'the answer has no body' }));
      return this.#end(undefined);
    }
    this.#chunks = chunks;
    await new Promise<void>((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
      this.#exchange.onLeave(this);
      if (this.#finished) return;
      setImmediate(this.#onIdle);
      chunks.next().then(this.#onChunk, this.#onError);
    });
  }

  clientLeft(): void {
    if (this.#finished) return;
    this.#chunks?.cancel(new Fault('client_left', { message: 'the client left' }));
    this.#finish();
  }

  readonly #onChunk = ({ done, value }: IteratorResult<unknown, unknown>): void => {
    if (this.#finished) return;
    try {
      if (done) {
        this.#finishBody();
        return;
      }
      const chunk = toBytes(value);
      if (!this.#headSent && !this.#held) {
        this.#held = chunk;
        this.#next();
        return;
      }
      this.#sendHead();
      if (this.#writeChunk(chunk)) this.#next();
      else this.#exchange.response.once('drain', this.#next);
    } catch (error) {
      this.#chunks?.cancel(error);
      this.#onError(error);
    }
  };

  readonly #next = (): void => {
    if (this.#finished) return;
    this.#chunks?.next().then(this.#onChunk, this.#onError);
  };

  readonly #onError = (error: unknown): void => {
    if (this.#finished) return;
    this.#finished = true;
    this.#exchange.onLeave(undefined);
    this.#fail?.(
      error instanceof Fault
        ? error
        : new Fault('function_error', { message: 'the body of the Response failed', cause: error }),
    );
  };

  readonly #onIdle = (): void => {
    if (this.#finished || this.#headSent) return;
    try {
      if (this.#held) this.#sendHead();
      else {
        this.#sendHead();
        this.#exchange.response.flushHeaders();
      }
    } catch (error) {
      this.#chunks?.cancel(error);
      this.#onError(error);
    }
  };

  #sendHead(): void {
    if (this.#headSent) return;
    this.#head.send(this.#head.declaredLength);
    this.#headSent = true;
    if (this.#held) this.#writeChunk(this.#held);
    this.#held = undefined;
  }

  #writeChunk(chunk: Uint8Array): boolean {
    const exchange = this.#exchange;
    exchange.bodyBytesSent += chunk.length;
    const { declaredLength } = this.#head;
    if (declaredLength !== undefined && exchange.bodyBytesSent > declaredLength) {
      throw new Fault('function_bad_answer', {
        message: `the body is longer than its Content-Length, ${declaredLength}`,
      });
    }
    return chunk.length === 0 || exchange.response.write(chunk);
  }

  #finishBody(): void {
    const exchange = this.#exchange;
    if (this.#headSent) {
      const { declaredLength } = this.#head;
      if (declaredLength !== undefined && exchange.bodyBytesSent < declaredLength) {
        throw new Fault('function_bad_answer', {
          message: `the body is shorter than its Content-Length, ${declaredLength}`,
        });
      }
      exchange.response.end();
    } else this.#end(this.#held);
    this.#finish();
  }

  #finish(): void {
    this.#finished = true;
    this.#exchange.onLeave(undefined);
    this.#settle?.();
  }

  /** The whole body is at hand. */
  #end(bytes: Uint8Array | undefined): void {
    const exchange = this.#exchange;
    const head = this.#head;
    if (head.isAll) {
      head.send(head.status === 205 ? 0 : head.status === 204 ? undefined : head.declaredLength);
      exchange.response.end();
      return;
    }
    head.send(bytes?.length ?? 0);
    exchange.bodyBytesSent = bytes?.length ?? 0;
    exchange.response.end(bytes);
  }
}

/** Where a body comes from. */
interface Chunks {
  next(): Promise<IteratorResult<unknown, unknown>>;
  cancel(reason: unknown): void;
}

function toChunks(body: unknown): Chunks {
  if (body instanceof Readable) return new NodeChunks(body);
  if (hasReader(body)) return new WebChunks(body.getReader());
  throw new Fault('function_bad_answer', { message: 'the body of the Response is no stream' });
}

function hasReader(body: unknown): body is ReadableStream {
  return typeof (body as Partial<ReadableStream> | null)?.getReader === 'function'; // is looked at
}

class WebChunks implements Chunks {
  readonly #reader: ReadableStreamDefaultReader;

  constructor(reader: ReadableStreamDefaultReader) {
    this.#reader = reader;
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.read() as Promise<IteratorResult<unknown, unknown>>; // the same but for the type of `done`
  }

  cancel(reason: unknown): void {
    // What a function's own cancel() throws has nobody left to go to.
    this.#reader.cancel(reason).catch(() => {});
  }
}

class NodeChunks implements Chunks {
  readonly #stream: Readable;
  readonly #iterator: AsyncIterator<unknown>;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#iterator.next();
  }

  cancel(): void {
    this.#stream.destroy();
  }
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new Fault('function_bad_answer', {
    message: `a chunk of a body must be bytes or a string, got ${typeof chunk}`,
  });
}
