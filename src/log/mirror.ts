import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { writeAsOwn } from '../process/printed-text.ts';

/** Most bytes that are buffered for a slow reader. */
const MOST_WAITING = 4 * 1024 * 1024;

/**
 * Copies log lines to stdout or stderr. If the reader is slow, lines are skipped; if it has closed
 * the pipe (EPIPE), copying ends. The file has all lines.
 */
export class Mirror {
  readonly #stream: Writable;
  /** Lines of this turn of the event loop, which are written together. */
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

  /** Writes the buffered lines. */
  flush(): void {
    if (this.#text !== '' && !this.#gone) writeAsOwn(this.#stream, this.#text);
    this.#text = '';
  }

  /**
   * Resolves when everything is written; never if the pipe is not read. The stream belongs to the
   * process and stays open.
   */
  async close(): Promise<void> {
    this.flush();
    if (!this.#gone) await new Promise<void>((resolve) => writeAsOwn(this.#stream, '', resolve));
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

/** The destination of the lines of one log. */
export interface Lines {
  /** Path of the file; '' if there is none. */
  readonly path: string;
  /** Writing has failed since it last worked, e.g. because the disk is full. */
  readonly isFailing: boolean;
  /** Takes one line with its line feed. */
  write(line: string): void;
  /** Opens the file again by its name. */
  reopen(): void;
  /** Resolves after `deadlineMs` at the latest. */
  close(deadlineMs: number): Promise<void>;
}

/** Writes lines to stdout or stderr instead of a file. */
export class StreamLines implements Lines {
  readonly path = '';
  readonly isFailing = false;
  readonly #mirror: Mirror;

  constructor(stream: Writable) {
    this.#mirror = new Mirror(stream);
  }

  write(line: string): void {
    this.#mirror.write(line);
  }

  reopen(): void {
    // A stream cannot be reopened.
  }

  async close(deadlineMs: number): Promise<void> {
    const deadline = new AbortController();
    const late = delay(deadlineMs, undefined, { signal: deadline.signal }).catch(() => undefined); // aborted when the wait is over
    await Promise.race([this.#mirror.close(), late]);
    deadline.abort();
  }
}
