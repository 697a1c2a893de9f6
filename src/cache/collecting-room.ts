/** A body that is kept while its response is on the way. */
export interface Collecting {
  /** It is not kept any more. */
  drop(): void;
}

/**
 * Limits the bytes of all bodies that are kept while their responses are on the way. The client of a response decides how long that takes: without a limit, clients that stop
 * reading would fill the memory. The body that began first makes room, so a client that reads slowly keeps no other response from being stored.
 */
export class CollectingRoom {
  readonly #mostBytes: number;
  /** The oldest first. */
  readonly #bodies = new Map<Collecting, number>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Of all bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A part of a body was received. May drop bodies, also this one. */
  add(collecting: Collecting, bytes: number): void {
    this.#bodies.set(collecting, (this.#bodies.get(collecting) ?? 0) + bytes);
    this.#bytes += bytes;
    for (const oldest of this.#bodies.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.release(oldest);
      oldest.drop();
    }
  }

  /** Idempotent. */
  release(collecting: Collecting): void {
    this.#bytes -= this.#bodies.get(collecting) ?? 0;
    this.#bodies.delete(collecting);
  }
}
