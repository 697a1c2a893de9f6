import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { DiskFull } from './sqlite-failure.ts';

/**
 * Stays free in the database and in its write-ahead log. A claim and the end of its job change
 * about 20 pages of 4 KB.
 */
const SPARE_BYTES = 256 * 1024;

/** The room on the disk, in the database and in its write-ahead log, in bytes. */
interface Left {
  readonly disk: number;
  /** Free pages of the database. */
  readonly database: number;
  /** How much of the log may be overwritten. */
  readonly log: number;
  /** By how much the database may grow when the log is copied into it. */
  readonly uncopied: number;
}

/**
 * Decides how much new data may be stored on a disk that is nearly full, so that accepted jobs can
 * still be claimed and finished. Every write goes to the end of the log first, and to the database
 * later, when the log is copied into it. A disk that is full to the last byte has no room for
 * either, not even for the end of a job, which would free its pages.
 */
export class DiskRoom {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #freePages;
  readonly #pageBytes: number;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#freePages = database.prepare('PRAGMA freelist_count');
    this.#pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size);
  }

  /**
   * Call it before a transaction that stores about this many bytes of new data. The function that it
   * returns is called with each part of them in turn, and says whether there is room for it.
   */
  open(bytes: number): (part: number) => boolean {
    if (bytes === 0 || this.#diskBytes() > this.#logBytes() + 2 * (bytes + SPARE_BYTES)) return () => true;
    const left = this.#look();
    let taken = 0;
    return (part) => {
      if (!fits(left, taken + part)) return false;
      taken += part;
      return true;
    };
  }

  /** The error for data that there is no room for. */
  toError(): DiskFull {
    const free = Math.floor(this.#diskBytes() / 1024);
    return new DiskFull(`${free} KB are free and kept for accepted jobs`);
  }

  /**
   * Makes free pages in the database while there is room for them, since other programs may fill the
   * disk later. Throws errors of SQLite.
   */
  keepSpare(): void {
    const left = this.#look();
    if (left.database >= SPARE_BYTES || !fits(left, SPARE_BYTES)) return;
    // Pages that are freed in the transaction that made them are never written, so the file would
    // have a hole there, without room on the disk.
    this.#database.exec(`
      DELETE FROM payloads WHERE id = '';
      INSERT INTO payloads (id, payload, rule, pushed_at, due_at) VALUES ('', zeroblob(${SPARE_BYTES}), '', 0, 0);
      PRAGMA wal_checkpoint(PASSIVE);
      DELETE FROM payloads WHERE id = '';
      PRAGMA wal_checkpoint(PASSIVE);`);
  }

  /** Copies the log into the database first, so that the next transaction overwrites it. */
  #look(): Left {
    const log = this.#logBytes();
    const isCopied = this.#copyLog();
    return {
      disk: this.#diskBytes(),
      database: Number(this.#freePages.get()?.freelist_count) * this.#pageBytes,
      log: isCopied ? log : 0,
      uncopied: isCopied ? 0 : log,
    };
  }

  #copyLog(): boolean {
    try {
      const row = this.#database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
      return row?.busy === 0 && row.log === row.checkpointed;
    } catch {
      // There is no room even for that.
      return false;
    }
  }

  #diskBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file));
      return bavail * bsize;
    } catch {
      // The folder is gone or its disk does not answer. SQLite reports that with the next statement.
      return Number.POSITIVE_INFINITY;
    }
  }

  #logBytes(): number {
    return statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

function fits({ disk, database, log, uncopied }: Left, bytes: number): boolean {
  const wanted = bytes + SPARE_BYTES;
  return uncopied + Math.max(0, wanted - database) + Math.max(0, wanted - log) <= disk;
}
