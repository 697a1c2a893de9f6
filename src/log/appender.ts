import { pino } from 'pino';

/** Receives the results of writes. */
export interface AppenderListener {
  /** Everything given to `write` so far is in the file. */
  written(appender: Appender): void;
  /** A write failed; the unwritten bytes are stored for `retry`. */
  failed(appender: Appender, error: NodeJS.ErrnoException): void;
  /** The process exits now: remaining lines must be written synchronously. */
  exiting(appender: Appender): void;
}

/**
 * One open file to which lines are appended, by pino's destination, which writes on Node's thread
 * pool.
 *
 * A failed write (ENOSPC, EAGAIN of a FIFO) loses nothing: its unwritten rest stays first in the
 * queue, so a half-written line is completed before the next one.
 */
export class Appender {
  readonly fd: number;
  readonly #destination: ReturnType<typeof pino.destination>;
  #linesWaiting = 0;
  #writing = false;
  #failing = false;
  #abandoned = false;

  constructor(fd: number, listener: AppenderListener) {
    this.fd = fd;
    const destination = pino.destination({
      fd,
      sync: false,
      contentMode: 'buffer',
      // `retry` uses `flush`, which does nothing if minLength is 0.
      minLength: 1,
      // Sonic-boom's own retry continues after the file is closed and would write into another file
      // with the same descriptor.
      retryEAGAIN: () => false,
    });
    this.#destination = destination;
    // pino calls it when the process exits. Its own implementation never returns while the disk is
    // full.
    destination.flushSync = () => listener.exiting(this);
    destination.on('error', (error) => {
      this.#writing = false;
      this.#failing = true;
      if (this.#abandoned) destination.destroy();
      listener.failed(this, error);
    });
    destination.on('write', () => {
      this.#failing = false;
    });
    destination.on('drain', () => {
      this.#writing = false;
      this.#linesWaiting = 0;
      if (this.#abandoned) destination.destroy();
      listener.written(this);
    });
  }

  /** Number of accepted lines that may not be in the file yet. */
  get linesWaiting(): number {
    return this.#linesWaiting;
  }

  /** True if nothing waits: the next `write` starts at once. */
  get isIdle(): boolean {
    return !this.#writing && !this.#failing;
  }

  /** Accepts whole lines. They are written after those that wait; the bytes must not change before `written`. */
  write(pieces: readonly Buffer[], lines: number): void {
    this.#linesWaiting += lines;
    this.#writing = true;
    for (const piece of pieces) this.#destination.write(piece as unknown as string); // in this content mode
  }

  /** Repeats the failed write, if there is one. */
  retry(): void {
    if (!this.#failing || this.#writing || this.#abandoned) return;
    this.#writing = true;
    this.#destination.flush();
  }

  /**
   * Closes the file when everything is written, which may take retries. Resolves when it is closed.
   */
  end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#destination.once('close', resolve));
    this.#destination.end();
    return closed;
  }

  /** Closes the file without writing the rest. */
  abandon(): void {
    this.#abandoned = true;
    // The descriptor of a write in flight must not be reused by another file, so its end closes the
    // file.
    if (!this.#writing) this.#destination.destroy();
  }
}
