import type { DatabaseSync } from 'node:sqlite';
import { monotonicMs } from './monotonic.ts';
import type { StoreClock } from './store-clock.ts';

const INTERVAL_MS = 60_000;

/** Few at a time, so that the verbs that wait for the thread are hardly delayed. */
const ENTRIES_AT_A_TIME = 500;
const PAGES_AT_A_TIME = 1000;

/** Pause between two attempts on a full disk if nothing could be written in between. */
const MAKE_ROOM_EACH_MS = 1000;

/** Free pages that stay in the file for later writes. */
const SPARE_PAGES = 1000;

/**
 * Keeps the file about as small as its content. It removes expired entries, and returns free pages
 * to the file system if there are more than a file in use needs. It runs after writes only: a store
 * without writes does not grow.
 */
export class Upkeep {
  readonly #database: DatabaseSync;
  readonly #clock: StoreClock;
  readonly #removeExpired;
  readonly #countFree;
  #nextMs = 0;
  #rememberFromMs = monotonicMs() + INTERVAL_MS;
  #makeRoomFromMs = 0;

  constructor(database: DatabaseSync, clock: StoreClock) {
    this.#database = database;
    this.#clock = clock;
    this.#removeExpired = database.prepare(
      `DELETE FROM kv WHERE rowid IN (SELECT rowid FROM kv WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ${ENTRIES_AT_A_TIME})`,
    );
    this.#countFree = database.prepare('PRAGMA freelist_count');
  }

  /** Does a part of the work if the interval has passed. Throws errors of SQLite. */
  afterWrite(): void {
    const now = monotonicMs();
    this.#makeRoomFromMs = 0;
    if (now >= this.#rememberFromMs) {
      this.#rememberFromMs = now + INTERVAL_MS;
      this.#clock.remember();
    }
    if (now < this.#nextMs) return;
    this.#nextMs = now + INTERVAL_MS;
    const isAll = this.#removeExpired.run(Date.now()).changes < ENTRIES_AT_A_TIME;
    const free = Number(this.#countFree.get()?.freelist_count);
    if (free > SPARE_PAGES) this.#database.exec(`PRAGMA incremental_vacuum(${PAGES_AT_A_TIME})`);
    // The rest is done after the next writes.
    if (!isAll || free > SPARE_PAGES + PAGES_AT_A_TIME) this.#nextMs = now;
  }

  /**
   * Makes room on a full disk: copies the write-ahead log into the database, which has free pages
   * where jobs have ended. The next transaction then overwrites the log. SQLite itself does this only
   * after a commit, and no commit succeeds on a full disk. The log is not truncated, since another
   * program could take the space. Returns true if there may be room now.
   */
  makeRoom(): boolean {
    const now = monotonicMs();
    if (now < this.#makeRoomFromMs) return false;
    this.#makeRoomFromMs = now + MAKE_ROOM_EACH_MS;
    try {
      return this.#database.prepare('PRAGMA wal_checkpoint(RESTART)').get()?.busy === 0;
    } catch {
      // There is no room even for the checkpoint; the write that needed room fails.
      return false;
    }
  }
}
