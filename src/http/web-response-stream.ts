import type { AnswerListener } from '../contract/answer-listener.ts';
import { wrongLength } from '../contract/content-length.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { freeChunk } from '../contract/owned-chunks.ts';
import { takesAtOnce } from './captured-response.ts';
import { isCoded, TELLING_BYTES } from './coded-bytes.ts';
import type { Chunks } from './web-response-chunks.ts';
import type { WebResponseHead } from './web-response-head.ts';

/** Watches a streamed body. For a body of one chunk only `begin` and `end` are called. */
export interface StreamWatch {
  /** Called before the first chunk is read. */
  begin(writing: Writing): void;
  /**
   * Called before a write with the total bytes including it. Throws a Fault to stop the response.
   */
  count(bytes: number): void;
  end(): void;
}

export interface Writing {
  /** Ends the response with the Fault, also while it waits for the client or for the stream. */
  stop(fault: Fault): void;
}

/**
 * Writes a response whose body arrives in chunks, as fast as the client reads it. A body that
 * arrives immediately as one chunk is sent with its length. If a body is slow, its head is sent
 * first (event streams).
 */
export class StreamWriter implements AnswerListener, Writing {
  readonly #exchange: Exchange;
  readonly #head: WebResponseHead;
  readonly #chunks: Chunks;
  readonly #watch: StreamWatch | undefined;
  /**
   * The first chunk, until it is known whether it is the whole body. More chunks are added only
   * until there are enough bytes to detect the coding.
   */
  #held: Uint8Array | undefined;
  /** The stream produced nothing in its first turn of the event loop. */
  #isLate = false;
  #over = false;
  /** Written so far. */
  #bytes = 0;
  #fault: Fault | undefined;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange, head: WebResponseHead, chunks: Chunks, watch?: StreamWatch) {
    this.#exchange = exchange;
    this.#head = head;
    this.#chunks = chunks;
    this.#watch = watch;
  }

  /**
   * Resolves when the last chunk is passed to the connection, or the client has left. Rejects with a
   * Fault.
   */
  async write(): Promise<'answered'> {
    const exchange = this.#exchange;
    exchange.listen(this);
    this.#watch?.begin(this);
    process.nextTick(sendHeadIfSlow, this);
    try {
      for (;;) {
        const { done, value } = await this.#chunks.next();
        if (this.#fault) throw this.#fault;
        if (exchange.left) return 'answered';
        if (done) {
          this.#end();
          return 'answered';
        }
        const chunk = toBytes(value);
        if (!this.#take(chunk)) await this.#drain();
        if (this.#fault) throw this.#fault;
        this.#free(chunk);
      }
    } catch (error) {
      const fault = this.#fault ?? toBodyFault(error);
      this.#chunks.cancel(fault);
      if (exchange.left) return 'answered';
      throw fault;
    } finally {
      this.#over = true;
      this.#watch?.end();
      exchange.listen(undefined);
    }
  }

  clientLeft(): void {
    this.#chunks.cancel(new Fault('client_left', { message: 'the client left before the response was complete' }));
    this.#wake?.();
  }

  drained(): void {
    this.#wake?.();
  }

  /** True when the response is complete or has failed. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Sends the head and the bytes read so far, because the stream is slow. */
  sendIdleHead(): void {
    const { left, response } = this.#exchange;
    if (this.#over || left || response.isHeadWritten) return;
    this.#isLate = true;
    // The coding is detected from the first chunk, so wait for it.
    if (this.#held === undefined && this.#head.coding !== undefined) return;
    try {
      this.#sendHead(NOTHING);
    } catch (error) {
      this.stop(toBodyFault(error));
    }
  }

  stop(fault: Fault): void {
    this.#fault ??= fault;
    this.#chunks.cancel(this.#fault);
    this.#wake?.();
  }

  /** Frees the memory of a chunk that the kernel has accepted. */
  #free(chunk: Uint8Array): void {
    const { response, socket } = this.#exchange;
    if (this.#chunks.areOwned && chunk !== this.#held && takesAtOnce(response) && socket.writableLength === 0) {
      freeChunk(chunk);
    }
  }

  /** Waits until the connection takes more, the client leaves or the response is stopped. */
  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Returns false when the connection is full. */
  #take(chunk: Uint8Array): boolean {
    const { response } = this.#exchange;
    if (response.isHeadWritten) {
      this.#check(this.#bytes + chunk.length);
      return this.#write(chunk);
    }
    const held = this.#held;
    if (held === undefined && !this.#isLate) {
      this.#held = chunk;
      return true;
    }
    if (this.#head.coding !== undefined && (held === undefined || held.length < TELLING_BYTES)) {
      this.#held = held ? Buffer.concat([held, chunk]) : chunk;
      if (this.#isLate) setImmediate(sendIdleHead, this);
      return true;
    }
    return this.#sendHead(chunk);
  }

  /**
   * Sends the head and the bytes read so far. If it throws, nothing was sent. Returns false when
   * the connection is full.
   */
  #sendHead(chunk: Uint8Array): boolean {
    const held = this.#held ?? NOTHING;
    this.#settleCoding(held.length > 0 ? held : chunk, false);
    this.#check(held.length + chunk.length);
    this.#head.send(this.#head.declaredLength);
    this.#held = undefined;
    const mayGoOn = held.length === 0 || this.#write(held);
    return chunk.length === 0 ? mayGoOn : this.#write(chunk);
  }

  /** Removes the declared coding if the body is not in it, because `fetch` has decoded the body. */
  #settleCoding(bytes: Uint8Array, isWhole: boolean): void {
    const { coding } = this.#head;
    if (coding !== undefined && !isCoded(coding, { bytes, isWhole })) this.#head.leaveOutCoding();
  }

  #write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    return this.#exchange.response.write(chunk);
  }

  /** Throws a Fault if the response may not have this many bytes in total. */
  #check(bytes: number): void {
    const { declaredLength } = this.#head;
    // The client would read surplus bytes as the start of the next response.
    if (declaredLength !== undefined && bytes > declaredLength) throw wrongLength('longer', declaredLength);
    this.#watch?.count(bytes);
  }

  #end(): void {
    const { response } = this.#exchange;
    if (!response.isHeadWritten) {
      const body = this.#held ?? NOTHING;
      this.#settleCoding(body, true);
      this.#head.sendWith(body);
      return;
    }
    const { declaredLength } = this.#head;
    if (declaredLength !== undefined && this.#bytes < declaredLength) throw wrongLength('shorter', declaredLength);
    response.end();
  }
}

const NOTHING = new Uint8Array();

/**
 * A body that is complete by the next tick needs no more checks. Any other may take the rest of
 * this turn of the event loop, so that a stream that fails within it still gets a 500.
 */
function sendHeadIfSlow(writer: StreamWriter): void {
  if (!writer.isOver) setImmediate(sendIdleHead, writer);
}

function sendIdleHead(writer: StreamWriter): void {
  writer.sendIdleHead();
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new Fault('function_bad_answer', {
    message: `a chunk of a body must be bytes or a string, got ${typeof chunk}`,
  });
}

function toBodyFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault('function_error', { message: 'the body of the Response failed', cause: error });
}
