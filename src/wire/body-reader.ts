import { MessageFault, type Side } from './message-fault.ts';

/**
 * Finds the content of one body in the chunks of its connection, without copying. The loop of a caller:
 *
 *     while (at < chunk.length && !reader.isComplete) {
 *       at = reader.advance(chunk, at);
 *       if (reader.to > reader.from) use(chunk.subarray(reader.from, reader.to));
 *     }
 *
 * Bytes from `at` on do not belong to the message once `isComplete` is true.
 */
export interface BodyReader {
  /** The piece of content that the last `advance` found: offsets in its chunk; empty if they are equal. */
  readonly from: number;
  readonly to: number;
  readonly isComplete: boolean;
  /** Bytes of content so far. */
  readonly count: number;
  /** Most bytes of content; 0: no limit. */
  maxBytes: number;
  /** Flat; empty until the body is complete, and for bodies that cannot have any. */
  readonly trailers: readonly string[];
  /** Reads one piece of content at most. Returns the offset after the bytes that it read. Throws a MessageFault. */
  advance(chunk: Buffer, at: number): number;
  /** The other side ended the connection without a reset. Only a body without length and chunks is complete then. */
  endConnection(): void;
}

/** A body without chunks: with a length, or up to the end of the connection (a negative length). */
export class PlainReader implements BodyReader {
  from = 0;
  to = 0;
  count = 0;
  maxBytes = 0;
  readonly trailers: readonly string[] = NO_TRAILERS;
  readonly #length: number;
  readonly #side: Side;
  #ended = false;

  constructor(length: number, side: Side) {
    this.#length = length < 0 ? Number.POSITIVE_INFINITY : length;
    this.#side = side;
  }

  get isComplete(): boolean {
    return this.#ended || this.count === this.#length;
  }

  advance(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#length - this.count);
    if (this.maxBytes > 0 && this.count + end - at > this.maxBytes)
      throw new MessageFault('body_too_large', this.#side);
    this.from = at;
    this.to = end;
    this.count += end - at;
    return end;
  }

  endConnection(): void {
    this.#ended = this.#length === Number.POSITIVE_INFINITY;
  }
}

const NO_TRAILERS: readonly string[] = Object.freeze([]);
