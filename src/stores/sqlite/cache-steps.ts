import type { DatabaseSync } from 'node:sqlite';
import { type BanNews, type BanPage, EVERYTHING, MOST_BANS, REPLACED_BANS } from '../../contract/cache-store.ts';
import { toBytes } from './job-steps.ts';
import type { StoreClock } from './store-clock.ts';
import { always, never, type Step } from './verbs.ts';

/** The verbs of the database of the cache. */
export interface CacheVerbs {
  read(key: string): { readonly value: Uint8Array; readonly version: number } | undefined;
  /** `keepMs`: it counts as absent after this time. */
  write(key: string, value: Uint8Array, keepMs: number): void;
  /** Whether there were any. */
  remove(keys: readonly string[]): boolean;
  /** False if another call has locked the key less than `leaseMs` ago. */
  lock(key: string, leaseMs: number): boolean;
  ban(tags: readonly string[], since: number): BanPage;
  bans(since: number): BanPage;
  /** Of the file, without free pages. */
  bytes(): number;
}

type CacheSteps = { readonly [Name in keyof CacheVerbs]: Step<CacheVerbs[Name]> };

/** Entries that were read since the last write of their times; more are not remembered. */
const MOST_TOUCHED = 10_000;

/** Entries that are removed in one statement to make room. */
const REMOVED_AT_ONCE = 8;

/** The share of all entries that those without a second use may keep. */
const NEW_PART = 0.1;

/** Writes that need room between two counts. */
const COUNT_EACH = 256;

/**
 * `touch` writes when entries were last read; then it need not be written at each read. `version`
 * changes with bans, and with the first entry. `news`: the bans since its last call.
 */
export function cacheSteps(
  database: DatabaseSync,
  clock: StoreClock,
  limitBytes: number,
): {
  readonly steps: CacheSteps;
  readonly touch: () => void;
  readonly version: () => unknown;
  readonly news: () => BanNews;
} {
  const entries = new Entries(database, clock, limitBytes);
  const bans = new BanRows(database, clock);
  let reportedMs: number | undefined;
  const lock = database.prepare(
    'INSERT INTO locks (key, until) VALUES (:key, :until) ON CONFLICT DO UPDATE SET until = :until WHERE until <= :now',
  );
  return {
    steps: {
      read: {
        writes: never,
        run: (key) => {
          const value = entries.read(key);
          return value && { value, version: bans.newest / 1000 };
        },
      },
      write: {
        writes: always,
        takes: (key, value) => key.length + value.length,
        run: (key, value, keepMs) => entries.write(key, value, keepMs),
      },
      remove: {
        writes: (keys) => keys.some((key) => entries.has(key)),
        run: (keys) => keys.filter((key) => entries.remove(key)).length > 0,
      },
      lock: {
        writes: always,
        run: (key, leaseMs) => lock.run({ key, until: clock.now() + leaseMs, now: clock.now() }).changes === 1,
      },
      ban: {
        writes: always,
        run: (tags, since) => {
          bans.add(tags);
          return bans.page(since, !entries.isEmpty);
        },
      },
      bytes: { writes: never, run: () => entries.bytes },
      bans: { writes: never, run: (since) => bans.page(since, !entries.isEmpty) },
    },
    touch: () => entries.touch(),
    version: () => `${bans.newest} ${entries.isEmpty}`,
    news() {
      const since = reportedMs ?? bans.newest / 1000;
      const page = bans.page(since, !entries.isEmpty);
      reportedMs = page.version;
      return { ...page, since };
    },
  };
}

class Entries {
  readonly #clock: StoreClock;
  readonly #limitBytes: number;
  readonly #statements;
  readonly #touched = new Map<number, number>();
  /** Entries that were not used again, and all, at the last count. */
  #fresh = 0;
  #all = 0;
  #untilCount = 0;

  constructor(database: DatabaseSync, clock: StoreClock, limitBytes: number) {
    this.#clock = clock;
    this.#limitBytes = limitBytes;
    this.#statements = {
      read: database.prepare('SELECT id, value FROM entries JOIN contents USING (id) WHERE key = ? AND expires_at > ?'),
      any: database.prepare('SELECT 1 FROM entries LIMIT 1'),
      put: database.prepare(
        `INSERT INTO entries (key, used_at, expires_at) VALUES (:key, :now, :end)
         ON CONFLICT (key) DO UPDATE SET used_at = :now, expires_at = :end, is_proven = 1 RETURNING id`,
      ),
      putContent: database.prepare('INSERT OR REPLACE INTO contents (id, value) VALUES (?, ?)'),
      find: database.prepare('SELECT id FROM entries WHERE key = ?'),
      oldest: database.prepare('SELECT id FROM entries WHERE id <> ? AND is_proven = ? ORDER BY used_at LIMIT ?'),
      count: database.prepare('SELECT count(*) AS count FROM entries WHERE is_proven = ?'),
      remove: database.prepare('DELETE FROM entries WHERE id = ?'),
      removeContent: database.prepare('DELETE FROM contents WHERE id = ?'),
      touch: database.prepare('UPDATE entries SET used_at = ?, is_proven = 1 WHERE id = ?'),
      pageBytes: database.prepare('PRAGMA page_size'),
      pages: database.prepare('PRAGMA page_count'),
      freePages: database.prepare('PRAGMA freelist_count'),
    };
  }

  get isEmpty(): boolean {
    return this.#statements.any.get() === undefined;
  }

  has(key: string): boolean {
    return this.#statements.find.get(key) !== undefined;
  }

  read(key: string): Uint8Array | undefined {
    const now = this.#clock.now();
    const row = this.#statements.read.get(key, now);
    if (!row) return undefined;
    if (this.#touched.size < MOST_TOUCHED) this.#touched.set(Number(row.id), now);
    return toBytes(row.value);
  }

  write(key: string, value: Uint8Array, keepMs: number): void {
    const now = this.#clock.now();
    const id = Number(this.#statements.put.get({ key, now, end: Math.ceil(now + keepMs) })?.id);
    this.#statements.putContent.run(id, value);
    if (this.#isOver()) this.#makeRoom(id);
  }

  /** False if there is none. */
  remove(key: string): boolean {
    const id = this.#statements.find.get(key)?.id;
    if (id !== undefined) this.#removeRow(Number(id));
    return id !== undefined;
  }

  touch(): void {
    for (const [id, atMs] of this.#touched) this.#statements.touch.run(atMs, id);
    this.#touched.clear();
  }

  /**
   * Removes entries that were written and not used again; if they are few, those that were not used for longest. So a flood of random URLs replaces itself, and not what processes
   * have read or renewed. `newest` goes last, when it alone is larger than the limit.
   */
  #makeRoom(newest: number): void {
    const { oldest } = this.#statements;
    this.touch();
    this.#count();
    for (;;) {
      let isProven = this.#fresh > this.#all * NEW_PART ? 0 : 1;
      let found = oldest.all(newest, isProven, REMOVED_AT_ONCE);
      if (found.length === 0) {
        isProven = 1 - isProven;
        found = oldest.all(newest, isProven, REMOVED_AT_ONCE);
      }
      for (const { id } of found.length > 0 ? found : [{ id: newest }]) {
        this.#removeRow(Number(id));
        this.#all--;
        this.#fresh -= 1 - isProven;
        if (!this.#isOver()) return;
      }
      if (found.length === 0) return;
    }
  }

  /** Counted seldom, because SQLite reads the whole index for that. Other processes write and read entries meanwhile, so the numbers are only about right. */
  #count(): void {
    this.#fresh++;
    this.#all++;
    if (this.#untilCount-- > 0) return;
    this.#untilCount = COUNT_EACH;
    const [fresh = 0, proven = 0] = [0, 1].map((isProven) => Number(this.#statements.count.get(isProven)?.count));
    this.#fresh = fresh;
    this.#all = fresh + proven;
  }

  #removeRow(id: number): void {
    this.#statements.removeContent.run(id);
    this.#statements.remove.run(id);
  }

  get bytes(): number {
    const { pages, freePages, pageBytes } = this.#statements;
    const used = Number(pages.get()?.page_count) - Number(freePages.get()?.freelist_count);
    return used * Number(pageBytes.get()?.page_size);
  }

  #isOver(): boolean {
    return this.bytes > this.#limitBytes;
  }
}

class BanRows {
  readonly #clock: StoreClock;
  readonly #statements;

  constructor(database: DatabaseSync, clock: StoreClock) {
    this.#clock = clock;
    this.#statements = {
      newest: database.prepare('SELECT max(at) AS at FROM bans'),
      since: database.prepare('SELECT tag, at FROM bans WHERE at > ? ORDER BY at'),
      put: database.prepare(
        'INSERT INTO bans (tag, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)',
      ),
      removeAll: database.prepare('DELETE FROM bans'),
      count: database.prepare('SELECT count(*) AS count FROM bans'),
      lastReplaced: database.prepare('SELECT at FROM bans WHERE tag <> ? ORDER BY at LIMIT 1 OFFSET ?'),
      replace: database.prepare('DELETE FROM bans WHERE at <= ? AND tag <> ?'),
    };
  }

  /** In microseconds; 0 without bans. */
  get newest(): number {
    return Number(this.#statements.newest.get()?.at ?? 0);
  }

  add(tags: readonly string[]): void {
    const { put, removeAll, count, lastReplaced, replace } = this.#statements;
    const at = Math.max(Math.ceil(this.#clock.exactNow() * 1000), this.newest + 1);
    if (tags.includes(EVERYTHING)) removeAll.run();
    for (const tag of tags) put.run(tag, at);
    if (Number(count.get()?.count) <= MOST_BANS) return;
    const last = Number(lastReplaced.get(EVERYTHING, REPLACED_BANS - 1)?.at);
    replace.run(last, EVERYTHING);
    put.run(EVERYTHING, last);
  }

  page(since: number, hasEntries: boolean): BanPage {
    const rows = this.#statements.since.all(Math.round(since * 1000));
    return {
      version: this.newest / 1000,
      bans: rows.map(({ tag, at }) => [String(tag), Number(at) / 1000] as const),
      aheadMs: this.#clock.aheadMs,
      hasEntries,
    };
  }
}
