import type { Content } from '../contract/http-message.ts';
import type { AnswerReader } from '../http/captured-response.ts';
import type { Collecting, CollectingRoom } from './collecting-room.ts';

export interface CollectorParts {
  /** Gets the response, too; undefined if only the cache does. */
  readonly client: AnswerReader | undefined;
  readonly limits: CollectorLimits;
  /** The Content-Length of the head. */
  readonly declaredBytes: number | undefined;
  /** Called once. Undefined: there is no whole body that may be kept. */
  readonly onEnd: (body: Buffer | undefined) => void;
}

export interface CollectorLimits {
  /** Bytes that may be kept of one body; 0: the response is not kept. */
  readonly objectBytes: number;
  /** For all bodies that are kept now. */
  readonly room: CollectingRoom;
}

/** Passes a response on as it is written, and keeps its body. */
export class Collector implements AnswerReader, Collecting {
  readonly #limits: CollectorLimits;
  readonly #declaredBytes: number | undefined;
  readonly #onEnd: CollectorParts['onEnd'];
  #client: AnswerReader | undefined;
  #pieces: Buffer[] | undefined;
  #bytes = 0;

  constructor({ client, limits, declaredBytes, onEnd }: CollectorParts) {
    this.#client = client;
    this.#limits = limits;
    this.#declaredBytes = declaredBytes;
    this.#onEnd = onEnd;
    const { objectBytes } = limits;
    if (objectBytes > 0 && (declaredBytes ?? 0) <= objectBytes) this.#pieces = [];
  }

  /** The body is still kept. */
  get isKeeping(): boolean {
    return this.#pieces !== undefined;
  }

  /** What is kept is a copy. */
  get takesAtOnce(): boolean {
    return this.#client === undefined || this.#client.takesAtOnce === true;
  }

  /** The client has left. */
  detach(): void {
    this.#client = undefined;
  }

  /** The response must not be kept any more. */
  drop(): void {
    if (this.#takePieces()) this.#onEnd(undefined);
  }

  write(content: Content): boolean {
    this.#keep(content);
    return this.#client?.write(content) ?? true;
  }

  end(content: Content = '', trailers?: readonly string[]): void {
    this.#keep(content);
    this.#client?.end(content, trailers);
    const pieces = this.#takePieces();
    if (!pieces) return;
    const isWhole = this.#declaredBytes === undefined || this.#declaredBytes === this.#bytes;
    // Trailers are not kept, and a response without them is another one.
    const hasTrailers = trailers !== undefined && trailers.length > 0;
    this.#onEnd(isWhole && !hasTrailers ? toBody(pieces, this.#bytes) : undefined);
  }

  abort(): void {
    this.drop();
    this.#client?.abort();
  }

  #keep(content: Content): void {
    if (!this.#pieces) return;
    // A copy: code of the site may change its bytes afterwards.
    const piece = Buffer.from(content);
    this.#bytes += piece.length;
    if (this.#bytes > this.#limits.objectBytes) {
      this.drop();
      return;
    }
    this.#pieces.push(piece);
    this.#limits.room.add(this, piece.length);
  }

  /** What was kept; it is not kept any more. */
  #takePieces(): readonly Buffer[] | undefined {
    const pieces = this.#pieces;
    this.#pieces = undefined;
    this.#limits.room.release(this);
    return pieces;
  }
}

/** In memory of its own: a slice of a pool would keep the whole pool. */
function toBody(pieces: readonly Buffer[], length: number): Buffer {
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces) at += piece.copy(body, at);
  return body;
}
