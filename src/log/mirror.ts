import type { Writable } from 'node:stream';

/** What may wait in memory for a reader that is slow. In bytes. */
const MOST_WAITING = 4 * 1024 * 1024;

/**
 * Copies log lines to stdout or stderr, as far as anybody reads there: a slow reader misses lines, and one that went (EPIPE)
 * ends the copying. The file has them all.
 */
export class Mirror {
  readonly #stream: Writable;
  /** Lines of this turn of the event loop: they are written together. */
  #text = '';
  #gone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', this.#end);
  }

  /** Takes one line with its line feed. */
  write(line: string): void {
    if (this.#gone || this.#stream.writableLength >= MOST_WAITING) return;
    if (this.#text === '') setImmediate(flush, this);
    this.#text += line;
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#text !== '' && !this.#gone) this.#stream.write(this.#text);
    this.#text = '';
  }

  /** Resolves when everything is written, or never if nobody reads. The stream itself is the process's and stays open. */
  async close(): Promise<void> {
    this.flush();
    if (!this.#gone) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    this.#gone = true;
    this.#stream.off('error', this.#end);
  }

  readonly #end = (): void => {
    this.#gone = true;
  };
}

function flush(mirror: Mirror): void {
  mirror.flush();
}
