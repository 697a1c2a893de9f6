import type { Writable } from 'node:stream';

/** What may wait in memory for a reader that is slow. In bytes. */
const MOST_WAITING = 4 * 1024 * 1024;

/**
 * Copies log lines to stdout or stderr, as far as anybody reads there: a slow reader misses lines, and one that went (EPIPE)
 * ends the copying. The file has them all.
 */
export class Mirror {
  readonly #stream: Writable;
  #gone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', this.#end);
  }

  write(text: string): void {
    if (!this.#gone && this.#stream.writableLength < MOST_WAITING) this.#stream.write(text);
  }

  /** Resolves when everything is written, or never if nobody reads. The stream itself is the process's and stays open. */
  async close(): Promise<void> {
    if (!this.#gone) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    this.#gone = true;
    this.#stream.off('error', this.#end);
  }

  readonly #end = (): void => {
    this.#gone = true;
  };
}
