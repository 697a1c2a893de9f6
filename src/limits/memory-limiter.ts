import {
  type CountedRequests,
  type CountPeers,
  type Limiter,
  type RateRule,
  type Take,
  toTake,
  usedOf,
} from '../contract/rate-limit.ts';

/** The limit of the key that all new keys share while there is no room for them, as a multiple of the limit of the rule. */
const OTHERS_FACTOR = 10;

/** How long requests that passed here are collected for other processes. */
const COLLECT_MS = 25;

/** The counts of one key. */
interface Entry {
  readonly windowMs: number;
  /** Number of the window of `current`: the time divided by the length of the window. */
  slot: number;
  current: number;
  previous: number;
}

interface OldestEntry {
  readonly name: string;
  readonly entry: Entry;
  /** When it was found. */
  readonly slot: number;
}

export interface MemoryLimiterParts {
  /** The most keys that are counted at a time, of all rules together. At least 1. */
  readonly mostKeys: number;
  /** Milliseconds. Default: a clock that is never set. */
  readonly now?: () => number;
  /** Processes that count the same requests. Default: none. */
  readonly peers?: LimiterPeers | undefined;
}

export interface LimiterPeers extends CountPeers {
  /** Calls `work` once after `ms`. */
  after(ms: number, work: () => void): void;
}

/**
 * Counts in the memory of this process, and with its peers: each gets the counts of the others a few times in a tenth of a second. With `mostKeys` keys, a new one takes the place of the one that was used longest
 * ago. If that may still be limited, the new key also counts for a key that all such keys of its rule share, with ten times
 * the limit: so a flood of addresses cannot remove the counts of a client at will.
 */
export class MemoryLimiter implements Limiter {
  readonly #mostKeys: number;
  readonly #now: () => number;
  /** In the order of the windows in which they were last used. */
  readonly #entries = new Map<string, Entry>();
  /** Continues where it was: a Map skips its removed keys one by one for each new iterator. */
  #byAge = this.#entries.entries();
  #oldest: OldestEntry | undefined;
  /** By rule. */
  readonly #others = new Map<string, Entry>();
  readonly #peers: LimiterPeers | undefined;
  /** What passed here and the other processes do not know yet. */
  #unshared = new Map<string, { readonly windowMs: number; count: number }>();

  constructor({ mostKeys, now = () => performance.now(), peers }: MemoryLimiterParts) {
    this.#mostKeys = mostKeys;
    this.#now = now;
    this.#peers = peers;
    peers?.onCounts((counted) => this.#add(counted));
  }

  /** The number of keys that are counted now. */
  get size(): number {
    return this.#entries.size;
  }

  take(rule: RateRule, key: string): Take {
    const nowMs = this.#now();
    const name = `${rule.id} ${key}`;
    const entry = this.#entries.get(name);
    const take = entry ? this.#takeAgain(entry, rule, name, nowMs) : this.#takeFirst(rule, name, nowMs);
    if (this.#peers && take.isAllowed) this.#share(this.#peers, name, rule.windowMs);
    return take;
  }

  #takeAgain(entry: Entry, rule: RateRule, name: string, nowMs: number): Take {
    this.#touch(entry, name, nowMs);
    return count(entry, rule, nowMs);
  }

  #touch(entry: Entry, name: string, nowMs: number): void {
    if (!slide(entry, nowMs)) return;
    // Once a window. A Map has its keys in the order of their insertion.
    this.#entries.delete(name);
    this.#entries.set(name, entry);
  }

  #share(peers: LimiterPeers, name: string, windowMs: number): void {
    const known = this.#unshared.get(name);
    if (known) known.count++;
    else this.#unshared.set(name, { windowMs, count: 1 });
    if (known || this.#unshared.size > 1) return;
    peers.after(COLLECT_MS, () => {
      peers.shareCounts([...this.#unshared].map(([each, unshared]) => [each, unshared.windowMs, unshared.count]));
      this.#unshared = new Map();
    });
  }

  /** Counts requests of other processes as if they had come now: each process has its own windows. */
  #add(counted: CountedRequests): void {
    const nowMs = this.#now();
    for (const [name, windowMs, requests] of counted) {
      const known = this.#entries.get(name);
      if (known) this.#touch(known, name, nowMs);
      // The other process has checked that it may have a new key.
      else if (this.#entries.size >= this.#mostKeys) continue;
      const entry = known ?? newEntry(windowMs, nowMs);
      if (!known) this.#entries.set(name, entry);
      entry.current += requests;
    }
  }

  #takeFirst(rule: RateRule, name: string, nowMs: number): Take {
    if (this.#entries.size >= this.#mostKeys) {
      const refusal = this.#makeRoom(rule, nowMs);
      if (refusal) return refusal;
    }
    const entry = newEntry(rule.windowMs, nowMs);
    this.#entries.set(name, entry);
    return count(entry, rule, nowMs);
  }

  /** Removes the key that was used longest ago. A refusal if it may still be limited, and too many keys are new. */
  #makeRoom(rule: RateRule, nowMs: number): Take | undefined {
    const oldest = this.#findOldest();
    if (!oldest) return undefined;
    const { slot, windowMs } = oldest.entry;
    const isLive = (slot + 2) * windowMs > nowMs;
    const taken = isLive ? this.#takeForOthers(rule, nowMs) : undefined;
    if (taken && !taken.isAllowed) return taken;
    this.#entries.delete(oldest.name);
    this.#oldest = undefined;
    return undefined;
  }

  #findOldest(): OldestEntry | undefined {
    // A key that was used again has its place at the end.
    if (this.#oldest && this.#oldest.entry.slot === this.#oldest.slot) return this.#oldest;
    let next = this.#byAge.next();
    if (next.done) {
      this.#byAge = this.#entries.entries();
      next = this.#byAge.next();
    }
    if (next.done) return undefined;
    const [name, entry] = next.value;
    this.#oldest = { name, entry, slot: entry.slot };
    return this.#oldest;
  }

  #takeForOthers(rule: RateRule, nowMs: number): Take {
    const entry = this.#others.get(rule.id) ?? newEntry(rule.windowMs, nowMs);
    this.#others.set(rule.id, entry);
    slide(entry, nowMs);
    return count(entry, { ...rule, limit: rule.limit * OTHERS_FACTOR }, nowMs);
  }
}

function newEntry(windowMs: number, nowMs: number): Entry {
  return { windowMs, slot: Math.floor(nowMs / windowMs), current: 0, previous: 0 };
}

/** Moves an entry to the window of now. False if it is there already. */
function slide(entry: Entry, nowMs: number): boolean {
  const slot = Math.floor(nowMs / entry.windowMs);
  const passed = slot - entry.slot;
  if (passed === 0) return false;
  // A clock that steps back keeps the counts, and they end with the window that is now.
  if (passed > 0) {
    entry.previous = passed === 1 ? entry.current : 0;
    entry.current = 0;
  }
  entry.slot = slot;
  return true;
}

function count(entry: Entry, rule: RateRule, nowMs: number): Take {
  const elapsedMs = nowMs - entry.slot * entry.windowMs;
  const { current, previous } = entry;
  const isAllowed = usedOf(rule, { current, previous, elapsedMs }) + 1 <= rule.limit;
  if (isAllowed) entry.current = current + 1;
  return toTake(rule, { current: entry.current, previous, elapsedMs }, isAllowed);
}
