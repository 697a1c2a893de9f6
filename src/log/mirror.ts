import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

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

/** What takes the lines of one log, and can be closed. */
export interface Lines {
  /** Of the file; '' where there is none. */
  readonly path: string;
  /** Takes one line with its line feed. */
  write(line: string): void;
  /** Opens again what it writes to, by its name. */
  reopen(): void;
  /** Resolves after `deadlineMs` at the latest. */
  close(deadlineMs: number): Promise<void>;
}

/** Lines that go to stdout or stderr and into no file: whoever started the process reads them, or nobody does. */
export class StreamLines implements Lines {
  readonly path = '';
  readonly #mirror: Mirror;

  constructor(stream: Writable) {
    this.#mirror = new Mirror(stream);
  }

  write(line: string): void {
    this.#mirror.write(line);
  }

  reopen(): void {
    // There is no name to open.
  }

  async close(deadlineMs: number): Promise<void> {
    const deadline = new AbortController();
    const late = delay(deadlineMs, undefined, { signal: deadline.signal }).catch(() => undefined); // aborted when nobody waits any more
    await Promise.race([this.#mirror.close(), late]);
    deadline.abort();
  }
}
