import type { CacheTier } from '../contract/cache.ts';
import type { CacheStore } from '../contract/cache-store.ts';
import type { BanTable } from './ban-table.ts';

/** Entries that survive the process. None is returned before all bans are known that were made before it was read. */
export class SharedTier implements CacheTier {
  readonly #store: CacheStore;
  readonly #bans: BanTable;

  constructor(store: CacheStore, bans: BanTable) {
    this.#store = store;
    this.#bans = bans;
  }

  get isUsed(): boolean {
    return this.#store.mayHaveEntries() && (this.#bans.hasEntries || !this.#bans.isKnown);
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    if (!this.#store.mayHaveEntries()) return undefined;
    await this.#bans.know();
    if (!this.#bans.hasEntries) return undefined;
    const found = await this.#store.read(key);
    if (!found) return undefined;
    await this.#bans.know(found.version);
    return found.value;
  }

  async write(key: string, value: Uint8Array, keepMs: number): Promise<void> {
    this.#bans.watch();
    await this.#store.write(key, value, keepMs);
    this.#bans.noteEntry();
  }

  delete(keys: readonly string[]): Promise<boolean> {
    return this.#store.delete(keys);
  }

  bytes(): Promise<number | undefined> {
    return this.#store.bytes();
  }

  lock(key: string, leaseMs: number): Promise<boolean> {
    return this.#store.lock(key, leaseMs);
  }
}
