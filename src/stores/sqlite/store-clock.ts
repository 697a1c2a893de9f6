import { readFileSync } from 'node:fs';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

/** The clocks of the machine. */
export interface TimeSource {
  /** Whole milliseconds since the epoch. It jumps when a person or NTP sets the clock. */
  wallMs(): number;
  /** How far the wall clock is ahead of the monotonic clock, to a fraction of a millisecond. */
  differenceMs(): number;
  /** Milliseconds with a fraction since a moment of this boot. All processes read the same clock. */
  monotonicMs(): number;
  /** Different for each boot; '' if the system does not provide it. */
  bootId(): string;
}

/**
 * The wall clock counts as equal while it is at most this far ahead. Whole milliseconds are rough,
 * and so is a comparison of two clocks on a busy machine.
 */
const ROUGHNESS_MS = 10;

/** The wall clock counts as equal while it is at most this much earlier. */
const SAME_MS = 1000;

/**
 * The time by which jobs are due and leases end. It equals the wall clock when the first process of
 * a boot opens the database, and follows the monotonic clock from then on. So setting the wall clock
 * ends no lease and makes no job due early or late. It stands still while the machine is suspended,
 * like the processes that hold leases. It never goes back: after a boot it continues from the last
 * time that was stored if the wall clock is earlier.
 */
export class StoreClock {
  readonly #database: DatabaseSync;
  readonly #source: TimeSource;
  readonly #aheadMs: number;

  private constructor(database: DatabaseSync, source: TimeSource, aheadMs: number) {
    this.#database = database;
    this.#source = source;
    this.#aheadMs = aheadMs;
  }

  /**
   * All processes of a boot get the same clock. Never throws: if the difference cannot be stored, it
   * is valid for this process only.
   */
  static open(database: DatabaseSync, source: TimeSource = SYSTEM_TIME): StoreClock {
    const aheadMs = toAhead(readRow(database), source) ?? setAhead(database, source);
    return new StoreClock(database, source, aheadMs);
  }

  /** What to add to the monotonic clock of the machine. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** With a fraction of a millisecond. */
  exactNow(): number {
    return this.#source.monotonicMs() + this.#aheadMs;
  }

  /** Whole milliseconds, roughly since the epoch. */
  now(): number {
    return Math.floor(this.#source.monotonicMs() + this.#aheadMs);
  }

  /** Converts a time of the wall clock by the current difference of the two clocks. */
  fromWall(wallMs: number): number {
    const atMs = Math.ceil(wallMs);
    const aheadMs = this.#wallAheadMs;
    if (aheadMs !== 0) return atMs - aheadMs;
    // The wall clock may be a little ahead. A job that is due by it must be due by this clock, too.
    return atMs <= this.#source.wallMs() ? Math.min(atMs, this.now()) : atMs;
  }

  /** Converts a time of this clock to the wall clock. */
  toWall(storeMs: number): number {
    return storeMs + this.#wallAheadMs;
  }

  /** Stores the current time, for the next boot. */
  remember(): void {
    this.#database.prepare('UPDATE clock SET seen_at = max(seen_at, ?) WHERE only = 1').run(this.now());
  }

  get #wallAheadMs(): number {
    const aheadMs = this.#source.wallMs() - this.now();
    return aheadMs > ROUGHNESS_MS || aheadMs < -SAME_MS ? aheadMs : 0;
  }
}

type Row = Record<string, SQLOutputValue>;

function readRow(database: DatabaseSync): Row | undefined {
  return database.prepare('SELECT boot, ahead_ms, seen_at FROM clock WHERE only = 1').get();
}

/** The difference to the monotonic clock that was stored for this boot, if any. */
function toAhead(row: Row | undefined, source: TimeSource): number | undefined {
  if (row === undefined || row.boot !== source.bootId()) return undefined;
  const aheadMs = Number(row.ahead_ms);
  // Without a boot id, a new boot shows by a clock that went back.
  return source.monotonicMs() + aheadMs < Number(row.seen_at) ? undefined : aheadMs;
}

function setAhead(database: DatabaseSync, source: TimeSource): number {
  let aheadMs = chooseAhead(undefined, source);
  try {
    database.exec('BEGIN IMMEDIATE');
    const row = readRow(database);
    // Another process may have stored it in the meantime.
    const theirs = toAhead(row, source);
    aheadMs = theirs ?? chooseAhead(row, source);
    if (theirs === undefined) {
      database
        .prepare('INSERT OR REPLACE INTO clock (only, boot, ahead_ms, seen_at) VALUES (1, ?, ?, ?)')
        .run(source.bootId(), aheadMs, Math.floor(source.monotonicMs() + aheadMs));
    }
    database.exec('COMMIT');
  } catch {
    // The database is full, locked or read-only. The next verb that writes reports it.
    if (database.isTransaction) database.exec('ROLLBACK');
  }
  return aheadMs;
}

function chooseAhead(row: Row | undefined, source: TimeSource): number {
  return Math.max(source.differenceMs(), Number(row?.seen_at ?? 0) - source.monotonicMs());
}

const SYSTEM_TIME: TimeSource = {
  wallMs: () => Date.now(),
  differenceMs: () => Math.max(...Array.from({ length: 3 }, differenceNow)),
  monotonicMs: preciseMs,
  bootId() {
    try {
      return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    } catch {
      // Not Linux.
      return '';
    }
  },
};

/**
 * Measures at the moment at which the wall clock begins a millisecond. A thread that had to wait
 * sees that moment late and gets too small a difference, so the caller takes the largest of a few.
 */
function differenceNow(): number {
  const startMs = Date.now();
  let wallMs = startMs;
  let nowMs = preciseMs();
  const endMs = nowMs + 2;
  while (wallMs === startMs && nowMs < endMs) {
    wallMs = Date.now();
    nowMs = preciseMs();
  }
  return wallMs - nowMs;
}

function preciseMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
