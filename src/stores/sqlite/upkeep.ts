import type { DatabaseSync } from 'node:sqlite';
import { monotonicMs } from './monotonic.ts';

const INTERVAL_MS = 60_000;

/** So few at a time that whoever waits for the thread does not notice. */
const ENTRIES_AT_A_TIME = 500;
const PAGES_AT_A_TIME = 1000;

/** On a disk that stays full, so often is enough. */
const MAKE_ROOM_EACH_MS = 1000;

/** Free pages that are kept for what comes next. */
const SPARE_PAGES = 1000;

/**
 * Keeps the file as small as what is in it: entries whose time is over are removed, and pages that became free are given back, when more
 * are than a file in use needs anyway. It is done after writes, so a store that nobody writes to costs nothing, and does not grow.
 */
export class Upkeep {
  readonly #database: DatabaseSync;
  readonly #removeExpired;
  readonly #countFree;
  #nextMs = 0;
  #makeRoomFromMs = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#removeExpired = database.prepare(
      `DELETE FROM kv WHERE rowid IN (SELECT rowid FROM kv WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ${ENTRIES_AT_A_TIME})`,
    );
    this.#countFree = database.prepare('PRAGMA freelist_count');
  }

  /** Does a part of the work, if it is time. Throws errors of SQLite. */
  afterWrite(): void {
    const now = monotonicMs();
    if (now < this.#nextMs) return;
    this.#nextMs = now + INTERVAL_MS;
    const isAll = this.#removeExpired.run(Date.now()).changes < ENTRIES_AT_A_TIME;
    const free = Number(this.#countFree.get()?.freelist_count);
    if (free > SPARE_PAGES) this.#database.exec(`PRAGMA incremental_vacuum(${PAGES_AT_A_TIME})`);
    // The rest comes with the next writes.
    if (!isAll || free > SPARE_PAGES + PAGES_AT_A_TIME) this.#nextMs = now;
  }

  /**
   * For a disk that is full: folds the write-ahead log into the database, which has free pages where jobs are done, and cuts it to nothing. SQLite by itself
   * does so behind a commit alone, and none succeeds any more. True if there may be room now.
   */
  makeRoom(): boolean {
    const now = monotonicMs();
    if (now < this.#makeRoomFromMs) return false;
    this.#makeRoomFromMs = now + MAKE_ROOM_EACH_MS;
    try {
      return this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
    } catch {
      // Not even for that is there room; whoever wanted to write is told.
      return false;
    }
  }
}
