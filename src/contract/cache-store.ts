/**
 * What the processes of a site share about cached responses: entries, which may be lost at any time, and bans. There are two
 * implementations: SQLite for one machine, and Redis for several containers. A call rejects within a second with the Fault `store_unavailable`.
 */
export interface CacheStore {
  /** False only if there surely is no entry. Reads nothing, and opens nothing. */
  mayHaveEntries(): boolean;
  /** Undefined if there is no such key. A value is whole, never a part of one. */
  read(key: string): Promise<{ readonly value: Uint8Array; readonly version: number } | undefined>;
  /** The value counts as absent after `keepMs`, and may be removed earlier to make room. */
  write(key: string, value: Uint8Array, keepMs: number): Promise<void>;
  /** Whether there were any; if not, nothing is written. */
  delete(keys: readonly string[]): Promise<boolean>;
  /** False if another call, of any process, has locked the key less than its `leaseMs` ago. */
  lock(key: string, leaseMs: number): Promise<boolean>;
  /** Adds one ban for each tag, all at the same time by the clock of the store. Resolves with all bans after `since`, these included. */
  ban(tags: readonly string[], since: number): Promise<BanPage>;
  /** `since`: the version of the last page, or 0 for all. */
  bans(since: number): Promise<BanPage>;
  /** Whether each ban of another process causes a notice now. */
  readonly isHearing: boolean;
  /** Of all entries, as the limit of the store counts them. Undefined: the store does not know. */
  bytes(): Promise<number | undefined>;
  /**
   * Calls `listener` when there may be new bans, and when the connection to the store is back; with the bans, if they came with the notice. `onDeaf`: called when notices may be missed
   * from now on. Returns a function that removes the listeners.
   */
  onBan(listener: (news?: BanNews) => void, onDeaf?: () => void): () => void;
}

export interface BanPage {
  /** The time of the newest ban of the store, in milliseconds since the epoch by its clock; 0 without bans. Also of `read`: the bans that its reader must know. */
  readonly version: number;
  readonly bans: readonly (readonly [tag: string, atMs: number])[];
  /** What to add to the monotonic clock of the machine (`process.hrtime`, in milliseconds) for the time of the store. Perhaps too small, by the time that the reply needed; never too large. */
  readonly aheadMs: number;
  /** The store has an entry, or had one. */
  readonly hasEntries: boolean;
}

/** All bans after the one at `since`, up to `version`. */
export interface BanNews extends BanPage {
  readonly since: number;
}

/** The tag of a ban of everything. Real tags are not empty. */
export const EVERYTHING = '';

/** A store keeps this many bans. From then on the oldest ones are replaced by one ban of everything that is older than they were. */
export const MOST_BANS = 10_000;

/** How many are replaced at once. */
export const REPLACED_BANS = 1000;
