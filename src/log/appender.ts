import { pino } from 'pino';

/** What is told how writing goes. */
export interface AppenderListener {
  /** Everything handed over so far is in the file. */
  written(appender: Appender): void;
  /** A write failed; what was not written is kept for `retry`. */
  failed(appender: Appender, error: NodeJS.ErrnoException): void;
  /** The process ends now: what is to be saved must be written synchronously. */
  exiting(appender: Appender): void;
}

/**
 * One open file that is only ever appended to, by pino's destination, which writes on Node's thread pool.
 *
 * A write that fails (ENOSPC, EAGAIN of a FIFO) loses nothing: the rest of what was being written stays first in line,
 * so that a half-written line is completed before the next one begins.
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
      // `flush`, by which a failed write is repeated, does nothing with a minimum of 0.
      minLength: 1,
      // Sonic-boom's own repetition goes on after the file is closed, into whatever has its descriptor by then.
      retryEAGAIN: () => false,
    });
    this.#destination = destination;
    // pino calls it when the process exits. Its own never returns while the disk is full.
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

  /** Lines that were taken and are not known to be in the file. */
  get linesWaiting(): number {
    return this.#linesWaiting;
  }

  /** Nothing waits: what is handed over now is written at once. */
  get isIdle(): boolean {
    return !this.#writing && !this.#failing;
  }

  /** Takes whole lines, to be written in one go behind those that wait. */
  write(text: string, lines: number): void {
    this.#linesWaiting += lines;
    this.#writing = true;
    this.#destination.write(text);
  }

  /** Writes again what failed, if anything did. */
  retry(): void {
    if (!this.#failing || this.#writing || this.#abandoned) return;
    this.#writing = true;
    this.#destination.flush();
  }

  /** Closes the file when everything is written, which may take retries; resolves then. */
  end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#destination.once('close', resolve));
    this.#destination.end();
    return closed;
  }

  /** Closes the file without what is not written yet. */
  abandon(): void {
    this.#abandoned = true;
    // A write under way must not find its descriptor taken by another file; it says when it is over.
    if (!this.#writing) this.#destination.destroy();
  }
}
