import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../process/make-folder.ts';
import { Appender, type AppenderListener } from './appender.ts';
import type { Lines, Mirror } from './mirror.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Gets everything that the file gets. */
  readonly mirror: Mirror | undefined;
  readonly trouble: TroubleListener;
}

/** What is told that a file has trouble, seldom enough to be logged each time. */
export interface TroubleListener {
  cannotWrite(path: string, error: NodeJS.ErrnoException): void;
  /** Writing works again, but memory did not suffice for all lines. */
  lostLines(path: string, count: number): void;
}

/** Lines are written together, at the latest after this: soon enough for `tail -f`, seldom enough to cost nothing. */
const LATEST_WRITE_MS = 250;
/** … and sooner when there are as many: a write of this size costs hardly more than one of a line. In UTF-16 units. */
const BATCH_LENGTH = 64 * 1024;
/** What may wait while a file cannot be written: a second of a busy server, and small beside the heap. In UTF-16 units. */
const MOST_WAITING = 4 * 1024 * 1024;
/** A disk that is full for a moment again and again is said once in a while. */
const QUIET_MS = 10_000;
/** How long a rotated file may wait for space; a descriptor and its memory are held meanwhile. */
const GIVE_UP_MS = 30_000;

/**
 * A log file by its name: lines in, in batches to disk, opened again after a rotation.
 *
 * Only opening throws. What cannot be written waits in memory up to a limit, then lines are counted and thrown away; writing
 * goes on by itself when it can. Works the same on a FIFO, a device, and through a symlink.
 */
export class LogFile implements AppenderListener, Lines {
  readonly path: string;
  readonly #mirror: Mirror | undefined;
  readonly #trouble: TroubleListener;
  #appender: Appender;
  /** Files that are being closed, because they were rotated or all is over, and when they are. */
  readonly #ending = new Map<Appender, Promise<void>>();
  #batch = '';
  #batchLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #linesLost = 0;
  #saidCannotWriteAt = -QUIET_MS;
  #saidLostAt = -QUIET_MS;
  #closed = false;

  /** Opens the file, and makes its folder. Throws Node's error if that is not possible. */
  constructor({ path, mirror, trouble }: LogFileOptions) {
    this.path = path;
    this.#mirror = mirror;
    this.#trouble = trouble;
    this.#appender = new Appender(openToAppend(path), this);
  }

  /** Takes one line with its line feed. */
  write(line: string): void {
    if (this.#closed) return;
    this.#mirror?.write(line);
    if (this.#batch.length >= MOST_WAITING) {
      this.#linesLost++;
      return;
    }
    this.#batch += line;
    this.#batchLines++;
    // While a write is under way all lines wait for its end, and then go in one go: a busy event loop hears of few ends.
    if (this.#batch.length >= BATCH_LENGTH && this.#appender.isIdle) this.#handOver();
    else this.#timer ??= setTimeout(flush, LATEST_WRITE_MS, this);
  }

  /** Writes what waits, and tries again what failed. */
  flush(): void {
    this.#timer = undefined;
    if (this.#appender.isIdle) this.#handOver();
    else this.#appender.retry();
    for (const appender of this.#ending.keys()) appender.retry();
  }

  /** Opens the file again by its name. Throws Node's error if that is not possible, and then goes on with the one it has. */
  reopen(): void {
    if (this.#closed) return;
    const fd = openToAppend(this.path);
    if (isSameFile(fd, this.#appender.fd)) {
      // Nothing was rotated, as with a FIFO: one writer keeps the lines in order.
      closeSync(fd);
      return;
    }
    this.#handOver();
    const rotated = this.#appender;
    this.#appender = new Appender(fd, this);
    const giveUp = setTimeout(() => this.#abandon(rotated), GIVE_UP_MS).unref();
    void this.#end(rotated).then(() => clearTimeout(giveUp));
  }

  /** Writes what waits and closes; resolves after `deadlineMs` at the latest, and then without what could not be written. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return;
    this.#reportLostLines();
    this.#closed = true;
    this.#handOver();
    void this.#end(this.#appender);
    const deadline = new AbortController();
    await Promise.race([
      Promise.all([...this.#ending.values(), this.#mirror?.close()]),
      delay(deadlineMs, undefined, { signal: deadline.signal }).catch(() => undefined), // aborted when nobody waits any more
    ]);
    deadline.abort();
    clearTimeout(this.#timer);
    for (const appender of this.#ending.keys()) this.#abandon(appender);
  }

  written(appender: Appender): void {
    if (appender !== this.#appender || this.#closed) return;
    // Without a timer, its time came while this write was under way.
    if (!this.#timer) this.#handOver();
    if (performance.now() - this.#saidLostAt >= QUIET_MS) this.#reportLostLines();
  }

  failed(appender: Appender, error: NodeJS.ErrnoException): void {
    // Without a claim on the event loop: a full disk must not keep a process alive that has nothing else to do.
    this.#timer ??= setTimeout(flush, LATEST_WRITE_MS, this).unref();
    // A FIFO whose reader is slow is no trouble, only a reason to wait.
    if (appender !== this.#appender || error.code === 'EAGAIN') return;
    if (performance.now() - this.#saidCannotWriteAt < QUIET_MS) return;
    this.#saidCannotWriteAt = performance.now();
    this.#trouble.cannotWrite(this.path, error);
  }

  exiting(appender: Appender): void {
    if (appender !== this.#appender || this.#batch === '') return;
    try {
      writeSync(appender.fd, this.#batch);
    } catch {
      // The process is gone in a moment, and nobody left to tell.
    }
  }

  #handOver(): void {
    if (this.#batch === '') return;
    this.#appender.write(this.#batch, this.#batchLines);
    this.#batch = '';
    this.#batchLines = 0;
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
    this.#saidLostAt = performance.now();
    this.#trouble.lostLines(this.path, count);
  }
}

function flush(file: LogFile): void {
  file.flush();
}

/** The descriptor of a file that is made if need be, with its folder. Neither opening nor writing ever waits for another process. */
function openToAppend(path: string): number {
  makeFolder(dirname(path));
  const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;
  // A FIFO that is also open for reading needs no other reader to be opened, and keeps its content while readers come and go.
  const direction = statSync(path, { throwIfNoEntry: false })?.isFIFO() ? O_RDWR : O_WRONLY;
  return openSync(path, direction | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o644);
}

function isSameFile(one: number, other: number): boolean {
  const stats = fstatSync(one);
  const otherStats = fstatSync(other);
  return stats.ino === otherStats.ino && stats.dev === otherStats.dev;
}
