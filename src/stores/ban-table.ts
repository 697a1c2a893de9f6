import type { Bans } from '../contract/cache.ts';
import {
  type BanNews,
  type BanPage,
  type CacheStore,
  EVERYTHING,
  MOST_BANS,
  REPLACED_BANS,
} from '../contract/cache-store.ts';

/** A read of the bans that failed is tried again after this pause, besides each time when the connection is back. The pause doubles up to the longest one. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/** The clock of the store is measured again and again, which corrects it by less than this. A larger difference shows that it was set. */
const SET_MS = 1000;

/** By how much an entry of this process may be younger than a ban that was made before the process knew any. */
const ROUGHNESS_MS = 1000;

/** So long after a purge another process may still use what was purged. */
const PURGE_MS = 100;

/** Whole milliseconds and a fraction on the monotonic clock of the machine, which all processes read. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** When a tag was banned: for entries in the memory of this process by its own clock, and for those of the store by that of the store. */
interface BanTimes {
  readonly localMs: number;
  readonly storeMs: number;
}

const NEVER: BanTimes = { localMs: Number.NEGATIVE_INFINITY, storeMs: Number.NEGATIVE_INFINITY };

/**
 * The bans that this process knows. A ban that arrives from the store holds for all entries of this process that were asked for before it arrived, by the clock of
 * this process, which is never set: so it does not matter here which time the clock of the store has, or whether it was set back.
 */
export class BanTable implements Bans {
  readonly #store: Pick<CacheStore, 'ban' | 'bans' | 'onBan' | 'isHearing'>;
  /** By tag, in the order in which they arrived. */
  readonly #times = new Map<string, BanTimes>();
  #everything = NEVER;
  #version = 0;
  #hasEntries = false;
  readonly #createdAtMs = monotonicMs();
  /** By how much the clock of this process is ahead of the monotonic one. */
  readonly #ownAheadMs = Date.now() - this.#createdAtMs;
  /** The same of the clock of the store. */
  #storeAheadMs = this.#ownAheadMs;
  /** The smallest one that was known. */
  #leastAheadMs = this.#ownAheadMs;
  /** When it was known that the clock of the store had been set, by the clock of this process. */
  #setAtMs = Number.NEGATIVE_INFINITY;
  /** Since when bans of other processes may be unknown, by the clock of this process. Undefined: all are known, or arrive soon. */
  #deafSinceMs: number | undefined;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  #isSynced = false;
  #unlisten: (() => void) | undefined;
  #isClosed = false;

  /** Uses the store from the first call of `ban`, `watch` or `know`. */
  constructor(store: Pick<CacheStore, 'ban' | 'bans' | 'onBan' | 'isHearing'>) {
    this.#store = store;
  }

  nowMs(): number {
    return monotonicMs() + this.#ownAheadMs;
  }

  toSharedMs(ms: number): number | undefined {
    return ms < this.#setAtMs ? undefined : ms - this.#ownAheadMs + this.#storeAheadMs;
  }

  fromSharedMs(sharedMs: number): number {
    return sharedMs - this.#storeAheadMs + this.#ownAheadMs;
  }

  isBanned(tags: readonly string[], askedAtMs: number): boolean {
    if (askedAtMs <= this.#everything.localMs) return true;
    if (this.#times.size === 0) return false;
    for (const tag of tags) {
      const times = this.#times.get(tag);
      if (times !== undefined && askedAtMs <= times.localMs) return true;
    }
    return false;
  }

  isInDoubt(askedAtMs: number): boolean {
    return this.#deafSinceMs !== undefined && this.nowMs() > Math.max(this.#deafSinceMs, askedAtMs) + PURGE_MS;
  }

  isBannedInStore(tags: readonly string[], askedAtSharedMs: number): boolean {
    const isBanned = ({ storeMs }: BanTimes): boolean => askedAtSharedMs <= storeMs;
    return isBanned(this.#everything) || tags.some((tag) => isBanned(this.#times.get(tag) ?? NEVER));
  }

  async ban(tags: readonly string[] | 'everything'): Promise<void> {
    const names = tags === 'everything' ? [EVERYTHING] : toNames(tags);
    if (names.length === 0) return;
    const nowMs = monotonicMs();
    const times = { localMs: nowMs + this.#ownAheadMs, storeMs: nowMs + this.#storeAheadMs };
    for (const name of names) this.#set(name, times);
    this.watch();
    this.#apply(await this.#store.ban(names, this.#version));
  }

  watch(): void {
    if (this.#unlisten || this.#isClosed) return;
    try {
      this.#unlisten = this.#store.onBan(
        (news) => this.#receive(news),
        () => this.#becomeDeaf(),
      );
      if (!this.#store.isHearing) this.#becomeDeaf();
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

  #receive(news: BanNews | undefined): void {
    // Bans in between are unknown if an earlier notice was lost.
    if (news && this.#isSynced && news.since <= this.#version) this.#apply(news);
    else this.#refresh().catch(() => this.#refreshLater());
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
    const { isHearing } = this.#store;
    const deafSinceMs = this.#deafSinceMs;
    this.#apply(await this.#store.bans(this.#version));
    this.#retryMs = RETRY_MS;
    // Bans before the read are known by it, and the later ones by their notices.
    if (isHearing && this.#deafSinceMs === deafSinceMs) this.#deafSinceMs = undefined;
  }

  /** A read that runs now may have missed the bans of the time after it. */
  #becomeDeaf(): void {
    this.#deafSinceMs = this.nowMs();
  }

  #refreshLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#refresh().catch(() => this.#refreshLater()), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  #apply({ version, bans, aheadMs, hasEntries }: BanPage): void {
    const nowMs = this.nowMs();
    // Before the first page, the clock of this process stood in for it.
    if (this.#isSynced && Math.abs(aheadMs - this.#storeAheadMs) > SET_MS) this.#setAtMs = nowMs;
    this.#storeAheadMs = aheadMs;
    this.#leastAheadMs = Math.min(this.#leastAheadMs, aheadMs);
    this.#hasEntries ||= hasEntries;
    // No entry of this process was asked for before it was created, whichever clock of the store a ban is of.
    const firstMs = this.#createdAtMs + this.#leastAheadMs - ROUGHNESS_MS;
    for (const [tag, storeMs] of bans) {
      // It holds for what was asked for until it was known first.
      if (storeMs <= this.#version) continue;
      this.#set(tag, { localMs: storeMs < firstMs ? NEVER.localMs : nowMs, storeMs });
    }
    this.#version = Math.max(this.#version, version);
    this.#isSynced = true;
  }

  #set(tag: string, times: BanTimes): void {
    if (tag === EVERYTHING) {
      this.#everything = toLatest(this.#everything, times);
      return;
    }
    const before = this.#times.get(tag) ?? NEVER;
    this.#times.delete(tag);
    this.#times.set(tag, toLatest(before, times));
    if (this.#times.size > MOST_BANS) this.#replaceOldest();
  }

  #replaceOldest(): void {
    let left = REPLACED_BANS;
    for (const [tag, times] of this.#times) {
      if (left-- === 0) return;
      this.#times.delete(tag);
      this.#everything = toLatest(this.#everything, times);
    }
  }
}

function toLatest(one: BanTimes, other: BanTimes): BanTimes {
  return { localMs: Math.max(one.localMs, other.localMs), storeMs: Math.max(one.storeMs, other.storeMs) };
}

/** In lower case and each once. Empty ones are left out: they would ban everything. */
function toNames(tags: readonly string[]): readonly string[] {
  const names = tags.map((tag) => tag.trim().toLowerCase());
  return [...new Set(names)].filter((name) => name !== EVERYTHING);
}

function monotonicMs(): number {
  return ORIGIN_MS + performance.now();
}
