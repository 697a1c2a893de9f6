import { statfsSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { cacheSteps } from './cache-steps.ts';
import type { ContentRoom, ContentUpkeep, DatabaseContent } from './database-content.ts';
import { monotonicMs } from './monotonic.ts';
import { DiskFull } from './sqlite-failure.ts';
import { StoreClock } from './store-clock.ts';

/**
 * The values have a separate table, because SQLite rewrites a whole row to change a part of it.
 * Times of bans are those of StoreClock, in microseconds; no two bans of different calls have the same.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entries_used ON entries (used_at);
  CREATE INDEX entries_expire ON entries (expires_at);
  CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT;
  CREATE TABLE bans (
    tag TEXT PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX bans_at ON bans (at);
  CREATE TABLE locks (
    key TEXT PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    boot TEXT NOT NULL,
    ahead_ms REAL NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE entries ADD COLUMN is_proven INTEGER NOT NULL DEFAULT 0;
  DROP INDEX entries_used;
  CREATE INDEX entries_used ON entries (is_proven, used_at);
  `,
];

/** Entries of the cache, and bans. `limitBytes`: most bytes of the file, without its write-ahead log. */
export function cacheContent(limitBytes: number): DatabaseContent {
  return {
    migrations: MIGRATIONS,
    isDisposable: true,
    open(database, { path, fsync }) {
      const clock = StoreClock.open(database);
      const { steps, touch, version, news } = cacheSteps(database, clock, limitBytes);
      return {
        steps,
        upkeep: new CacheUpkeep(database, clock, { path, touch, fsync }),
        room: new CacheRoom(path),
        version,
        news,
      };
    },
  };
}

const INTERVAL_MS = 60_000;

/** Few at a time, so that the verbs that wait for the thread are hardly delayed. */
const ENTRIES_AT_A_TIME = 100;
const PAGES_AT_A_TIME = 1000;

/** Removes expired entries and returns free pages to the file system, after writes. */
class CacheUpkeep implements ContentUpkeep {
  readonly #database: DatabaseSync;
  readonly #clock: StoreClock;
  readonly #touch: () => void;
  readonly #path: string;
  readonly #fsync: boolean;
  readonly #newestBan: StatementSync;
  #bannedAt: unknown;
  #nextMs = 0;

  constructor(
    database: DatabaseSync,
    clock: StoreClock,
    parts: { readonly path: string; readonly touch: () => void; readonly fsync: boolean },
  ) {
    this.#path = parts.path;
    this.#database = database;
    this.#clock = clock;
    this.#touch = parts.touch;
    this.#fsync = parts.fsync;
    this.#newestBan = database.prepare('SELECT max(at) AS at FROM bans');
    this.#bannedAt = this.#newestBan.get()?.at;
  }

  afterWrite(): void {
    this.#keepBans();
    const now = monotonicMs();
    if (now < this.#nextMs) return;
    this.#nextMs = now + INTERVAL_MS;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#touch();
      this.#clock.remember();
      // The rest is removed after the next write.
      if (this.#removeExpired() === ENTRIES_AT_A_TIME) this.#nextMs = now;
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    this.#database.exec(`PRAGMA incremental_vacuum(${PAGES_AT_A_TIME})`);
  }

  makeRoom(): boolean {
    return false;
  }

  /**
   * Other processes notice the write itself before its commit is visible. So the file is touched after the commit (ChangeWatch).
   * A loss of power must not bring back what was purged. Copying the log into the file brings it to the disk first.
   */
  #keepBans(): void {
    const at = this.#newestBan.get()?.at;
    if (at === this.#bannedAt) return;
    this.#bannedAt = at;
    const now = new Date();
    utimesSync(this.#path, now, now);
    if (this.#fsync) this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /** Returns how many. */
  #removeExpired(): number {
    const now = this.#clock.now();
    this.#database.prepare('DELETE FROM locks WHERE until <= ?').run(now);
    const removeContents = 'DELETE FROM contents WHERE id IN (SELECT id FROM entries WHERE expires_at <= ? LIMIT ?)';
    const removeEntries = 'DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires_at <= ? LIMIT ?)';
    this.#database.prepare(removeContents).run(now, ENTRIES_AT_A_TIME);
    return Number(this.#database.prepare(removeEntries).run(now, ENTRIES_AT_A_TIME).changes);
  }
}

/** Stays free on the disk for the queue and other programs. */
const SPARE_BYTES = 64 * 1024 * 1024;

class CacheRoom implements ContentRoom {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  open(bytes: number): (part: number) => boolean {
    if (bytes === 0) return () => true;
    const hasRoom = this.#diskBytes() > SPARE_BYTES + 2 * bytes;
    return (part) => part === 0 || hasRoom;
  }

  toError(): DiskFull {
    return new DiskFull(`the cache leaves ${SPARE_BYTES / 1024 / 1024} MB of the disk free`);
  }

  keepSpare(): void {}

  #diskBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      return bavail * bsize;
    } catch {
      // The folder is gone or its disk does not answer. SQLite reports that with the next statement.
      return Number.POSITIVE_INFINITY;
    }
  }
}
