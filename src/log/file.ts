import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../process/make-folder.ts';
import { Appender, type AppenderListener } from './appender.ts';
import type { Lines, Mirror } from './mirror.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Receives a copy of every line. */
  readonly mirror: Mirror | undefined;
  readonly trouble: TroubleListener;
}

/** Receives the problems of a log file, rarely enough to log each one. */
export interface TroubleListener {
  cannotWrite(path: string, error: NodeJS.ErrnoException): void;
  /** Writing works again, but lines were dropped because the memory limit was reached. */
  lostLines(path: string, count: number): void;
}

/** Longest delay of a batch of lines: short enough for `tail -f`, long enough to cost little. */
const LATEST_WRITE_MS = 250;
/** A batch of this size is written at once; it costs hardly more than one line. */
const BATCH_BYTES = 64 * 1024;
/** A batch and the longest lines after it. */
const PAGE_BYTES = 128 * 1024;
/** Most bytes that wait while writing fails: one second of a busy server. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** In UTF-8, for a UTF-16 unit. */
const MOST_UNIT_BYTES = 3;
/** Shortest time between two reports of the same problem. */
const QUIET_MS = 10_000;
/**
 * How long a rotated file may wait for disk space; its descriptor and memory are held meanwhile.
 */
const GIVE_UP_MS = 30_000;

/**
 * A log file by its name. Writes lines in batches and opens the file again after a rotation.
 *
 * Only opening throws. Lines that cannot be written wait in memory up to a limit; further lines are
 * counted and dropped. Writing resumes by itself. Works the same for a FIFO, a device and a
 * symlink.
 */
export class LogFile implements AppenderListener, Lines {
  readonly path: string;
  #isFailing = false;
  readonly #mirror: Mirror | undefined;
  readonly #trouble: TroubleListener;
  #appender: Appender;
  /** Files that are being closed after a rotation or by `close`, with the promise of their end. */
  readonly #ending = new Map<Appender, Promise<void>>();
  /** The lines that wait, as bytes: encoding each line at once costs half of encoding a batch. Full pages, then one that is being filled. */
  readonly #full: Buffer[] = [];
  #page: Buffer = Buffer.allocUnsafeSlow(PAGE_BYTES);
  #pageBytes = 0;
  #waitingBytes = 0;
  #waitingLines = 0;
  /** Pages that the appender is writing, and one that it has written. */
  #writing: Buffer[] = [];
  #spare: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #linesLost = 0;
  #cannotWriteReportedAt = -QUIET_MS;
  #lostReportedAt = -QUIET_MS;
  #closed = false;

  /** Opens the file and creates its folder if needed. Throws Node's error. */
  constructor({ path, mirror, trouble }: LogFileOptions) {
    this.path = path;
    this.#mirror = mirror;
    this.#trouble = trouble;
    this.#appender = new Appender(openToAppend(path), this);
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Accepts one line, which ends with a line feed. */
  write(line: string): void {
    if (this.#closed) return;
    this.#mirror?.write(line);
    if (this.#waitingBytes >= MOST_WAITING_BYTES) {
      this.#linesLost++;
      return;
    }
    const mostBytes = line.length * MOST_UNIT_BYTES;
    if (this.#pageBytes + mostBytes > this.#page.length) this.#turnPage(mostBytes);
    const bytes = this.#page.write(line, this.#pageBytes);
    this.#pageBytes += bytes;
    this.#waitingBytes += bytes;
    this.#waitingLines++;
    // While a write is in flight, lines wait and are then written together: a busy event loop
    // handles few completions.
    if (this.#waitingBytes >= BATCH_BYTES && this.#appender.isIdle) this.#writeBatch();
    else this.#timer ??= setTimeout(flush, LATEST_WRITE_MS, this);
  }

  /** Writes waiting lines and repeats failed writes. */
  flush(): void {
    this.#timer = undefined;
    if (this.#appender.isIdle) this.#writeBatch();
    else this.#appender.retry();
    for (const appender of this.#ending.keys()) appender.retry();
  }

  /**
   * Opens the file again by its name. If that fails, throws Node's error and continues with the
   * current file.
   */
  reopen(): void {
    if (this.#closed) return;
    const fd = openToAppend(this.path);
    if (isSameFile(fd, this.#appender.fd)) {
      // Not rotated, or a FIFO: keep one writer, so that lines stay in order.
      closeSync(fd);
      return;
    }
    this.#writeBatch();
    const rotated = this.#appender;
    this.#appender = new Appender(fd, this);
    this.#isFailing = false;
    this.#writing = [];
    const giveUp = setTimeout(() => this.#abandon(rotated), GIVE_UP_MS).unref();
    void this.#end(rotated).then(() => clearTimeout(giveUp));
  }

  /**
   * Writes waiting lines and closes. Resolves after `deadlineMs` at the latest; lines that could
   * not be written by then are lost.
   */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return;
    this.#reportLostLines();
    this.#closed = true;
    this.#writeBatch();
    void this.#end(this.#appender);
    const deadline = new AbortController();
    await Promise.race([
      Promise.all([...this.#ending.values(), this.#mirror?.close()]),
      delay(deadlineMs, undefined, { signal: deadline.signal }).catch(() => undefined), // aborted when the wait is over
    ]);
    deadline.abort();
    clearTimeout(this.#timer);
    for (const appender of this.#ending.keys()) this.#abandon(appender);
  }

  written(appender: Appender): void {
    if (appender !== this.#appender) return;
    this.#isFailing = false;
    this.#spare = this.#writing.find(({ length }) => length === PAGE_BYTES);
    this.#writing = [];
    if (this.#closed) return;
    // No timer: it fired while this write was in flight.
    if (!this.#timer) this.#writeBatch();
    if (performance.now() - this.#lostReportedAt >= QUIET_MS) this.#reportLostLines();
  }

  failed(appender: Appender, error: NodeJS.ErrnoException): void {
    // unref: a full disk must not keep an otherwise finished process alive.
    this.#timer ??= setTimeout(flush, LATEST_WRITE_MS, this).unref();
    // EAGAIN: the reader of a FIFO is slow, which is not an error.
    if (appender !== this.#appender || error.code === 'EAGAIN') return;
    this.#isFailing = true;
    if (performance.now() - this.#cannotWriteReportedAt < QUIET_MS) return;
    this.#cannotWriteReportedAt = performance.now();
    this.#trouble.cannotWrite(this.path, error);
  }

  exiting(appender: Appender): void {
    if (appender !== this.#appender) return;
    try {
      for (const bytes of this.#takeWaiting()) writeSync(appender.fd, bytes);
    } catch {
      // The process exits now; there is no log left to report the error to.
    }
  }

  #writeBatch(): void {
    const lines = this.#waitingLines;
    if (lines > 0) this.#appender.write(this.#takeWaiting(), lines);
  }

  /** The lines that wait, as bytes of pages that are not written to before the appender is done. */
  #takeWaiting(): Buffer[] {
    if (this.#pageBytes > 0) this.#turnPage(0);
    this.#waitingBytes = 0;
    this.#waitingLines = 0;
    return this.#full.splice(0);
  }

  /** Begins a new page with room for so many bytes. */
  #turnPage(bytes: number): void {
    if (this.#pageBytes > 0) {
      this.#full.push(this.#page.subarray(0, this.#pageBytes));
      this.#writing.push(this.#page);
    }
    this.#page = (bytes <= PAGE_BYTES && this.#spare) || Buffer.allocUnsafeSlow(Math.max(bytes, PAGE_BYTES));
    this.#spare = undefined;
    this.#pageBytes = 0;
  }

  #end(appender: Appender): Promise<void> {
    const ended = appender.end().then(() => void this.#ending.delete(appender));
    this.#ending.set(appender, ended);
    return ended;
  }

  #abandon(appender: Appender): void {
    this.#linesLost += appender.linesWaiting;
    this.#ending.delete(appender);
    appender.abandon();
  }

  #reportLostLines(): void {
    if (this.#linesLost === 0) return;
    const count = this.#linesLost;
    this.#linesLost = 0;
    this.#lostReportedAt = performance.now();
    this.#trouble.lostLines(this.path, count);
  }
}

function flush(file: LogFile): void {
  file.flush();
}

/**
 * Opens the file, and creates it and its folder if missing. Neither opening nor writing waits for
 * another process.
 */
function openToAppend(path: string): number {
  makeFolder(dirname(path));
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;
  // A FIFO opened for reading too needs no other reader, and keeps its content when readers come
  // and go.
  const direction = statSync(path, { throwIfNoEntry: false })?.isFIFO() ? O_RDWR : O_WRONLY;
  return openSync(path, direction | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o644);
}

function isSameFile(one: number, other: number): boolean {
  const stats = fstatSync(one);
  const otherStats = fstatSync(other);
  return stats.ino === otherStats.ino && stats.dev === otherStats.dev;
}
