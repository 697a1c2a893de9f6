import type { Bans } from '../contract/cache.ts';
import { type BanPage, type CacheStore, EVERYTHING, MOST_BANS, REPLACED_BANS } from '../contract/cache-store.ts';

/** A read of the bans that failed is tried again after this pause, besides each time when the connection is back. The pause doubles up to the longest one. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/** A correction of the clock by less than this is not visible: the time stands still instead of going back. */
const VISIBLE_MS = 1000;

/** By how much an entry of this process may be younger than a ban that was made before the process knew any. */
const ROUGHNESS_MS = 1000;

/** Whole milliseconds and a fraction on the monotonic clock of the machine, which all processes read. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * The bans that this process knows. The clock is that of the store, as far as this process knows it. A ban that arrives from
 * the store also holds for all entries of this process that were asked for before it arrived: so it does not matter here how
 * exact the clock is.
 */
export class BanTable implements Bans {
  readonly #store: Pick<CacheStore, 'ban' | 'bans' | 'onBan'>;
  /** By tag, in the order of the times. */
  readonly #atMs = new Map<string, number>();
  #everythingAtMs = Number.NEGATIVE_INFINITY;
  #version = 0;
  #hasEntries = false;
  readonly #createdAtMs = monotonicMs();
  #aheadMs = Date.now() - monotonicMs();
  /** The latest time that `nowMs` has returned. */
  #latestMs = 0;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  #isSynced = false;
  #unlisten: (() => void) | undefined;
  #isClosed = false;

  /** Uses the store from the first call of another method than `nowMs` and `isBanned`. */
  constructor(store: Pick<CacheStore, 'ban' | 'bans' | 'onBan'>) {
    this.#store = store;
  }

  nowMs(): number {
    const now = monotonicMs() + this.#aheadMs;
    if (now > this.#latestMs || now < this.#latestMs - VISIBLE_MS) {
      this.#latestMs = Math.max(this.#latestMs, now);
      return now;
    }
    return this.#latestMs;
  }

  isBanned(tags: readonly string[], askedAtMs: number): boolean {
    if (askedAtMs <= this.#everythingAtMs) return true;
    if (this.#atMs.size === 0) return false;
    for (const tag of tags) {
      const atMs = this.#atMs.get(tag);
      if (atMs !== undefined && askedAtMs <= atMs) return true;
    }
    return false;
  }

  async ban(tags: readonly string[] | 'everything'): Promise<void> {
    const names = tags === 'everything' ? [EVERYTHING] : toNames(tags);
    if (names.length === 0) return;
    this.nowMs();
    for (const name of names) this.#set(name, this.#latestMs);
    this.watch();
    this.#apply(await this.#store.ban(names, this.#version));
  }

  watch(): void {
    if (this.#unlisten || this.#isClosed) return;
    try {
      this.#unlisten = this.#store.onBan(() => this.#refresh().catch(() => this.#refreshLater()));
    } catch {
      // The store is closed: its calls reject.
      return;
    }
    this.#refresh().catch(() => this.#refreshLater());
  }

  /** The bans of the store were read. */
  get isKnown(): boolean {
    return this.#isSynced;
  }

  /** Whether some process has written an entry, as far as it is known. */
  get hasEntries(): boolean {
    return this.#hasEntries;
  }

  /** This process has written an entry. */
  noteEntry(): void {
    this.#hasEntries = true;
  }

  /** Resolves when all bans are known that existed at `version`; default: at some time since the start. Rejects if the store cannot be read. */
  async know(version = 0): Promise<void> {
    this.watch();
    if (!this.#isSynced || version > this.#version) await (this.#reading ?? this.#refresh());
    // The read that ran may have begun before the ban.
    if (version > this.#version) await this.#refresh();
  }

  /** The store may be closed then. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#unlisten?.();
  }

  /** Reads new bans. Calls during a read share one further read after it. */
  #refresh(): Promise<void> {
    if (this.#reading)
      this.#next ??= this.#reading.then(
        () => this.#read(),
        () => this.#read(),
      );
    return this.#next ?? this.#read();
  }

  #read(): Promise<void> {
    this.#next = undefined;
    const reading = this.#readPage().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #readPage(): Promise<void> {
    this.#apply(await this.#store.bans(this.#version));
    this.#isSynced = true;
    this.#retryMs = RETRY_MS;
  }

  #refreshLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#refresh().catch(() => this.#refreshLater()), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  #apply({ version, bans, aheadMs, hasEntries }: BanPage): void {
    this.nowMs();
    const latestMs = this.#latestMs;
    this.#aheadMs = aheadMs;
    this.#hasEntries ||= hasEntries;
    const firstMs = this.#createdAtMs + aheadMs - ROUGHNESS_MS;
    for (const [tag, atMs] of bans) this.#set(tag, atMs < firstMs ? atMs : Math.max(atMs, latestMs));
    this.#version = Math.max(this.#version, version);
  }

  #set(tag: string, atMs: number): void {
    if (tag === EVERYTHING) {
      this.#everythingAtMs = Math.max(this.#everythingAtMs, atMs);
      return;
    }
    const before = this.#atMs.get(tag) ?? Number.NEGATIVE_INFINITY;
    this.#atMs.delete(tag);
    this.#atMs.set(tag, Math.max(before, atMs));
    if (this.#atMs.size > MOST_BANS) this.#replaceOldest();
  }

  #replaceOldest(): void {
    let left = REPLACED_BANS;
    for (const [tag, atMs] of this.#atMs) {
      if (left-- === 0) return;
      this.#atMs.delete(tag);
      this.#everythingAtMs = Math.max(this.#everythingAtMs, atMs);
    }
  }
}

/** In lower case and each once. Empty ones are left out: they would ban everything. */
function toNames(tags: readonly string[]): readonly string[] {
  const names = tags.map((tag) => tag.trim().toLowerCase());
  return [...new Set(names)].filter((name) => name !== EVERYTHING);
}

function monotonicMs(): number {
  return ORIGIN_MS + performance.now();
}
