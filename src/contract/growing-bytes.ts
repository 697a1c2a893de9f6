const FIRST_BYTES = 4096;

/** Bytes that arrive in pieces, as one. A byte is copied a few times, however small the pieces are. */
export class GrowingBytes {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  /** All bytes so far, with this piece. They do not change later. */
  add(piece: Buffer): Buffer {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#length);
    this.#length = length;
    return this.all;
  }

  get all(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
