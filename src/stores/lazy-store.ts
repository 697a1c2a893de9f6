import { setTimeout as delay } from 'node:timers/promises';
import type { BlobBody, BlobLimits, BlobStorage, ListQuery, PutOptions } from '../contract/blob-storage.ts';
import type { BanPage, CacheStore } from '../contract/cache-store.ts';
import { Fault } from '../contract/fault.ts';
import type { SharedLimiter } from '../contract/rate-limit.ts';
import type { Kv, Queue, Store } from '../contract/store.ts';
import { outsideOfCalls } from '../process/site-calls.ts';

/** As long as the thread of the embedded store may take to start on an overloaded machine. */
const WARM_WITHIN_MS = 5000;

/**
 * A store that is opened at its first use. A site that stores nothing opens no file and no
 * connection.
 */
export class LazyStore implements Store {
  readonly #open: () => Store;
  #store: Store | undefined;
  #isClosed = false;

  constructor(open: () => Store) {
    this.#open = open;
  }

  /**
   * Opens the store. Throws `store_unavailable` if the store was closed and had never been opened.
   */
  get queue(): Queue {
    return this.#opened().queue;
  }

  /** The first call to a method of the namespace opens the store. */
  kv(namespace: string): Kv {
    return new LazyKv(() => this.#opened().kv(namespace));
  }

  /** The first call to a method opens the store. */
  blobs(limits: BlobLimits): BlobStorage {
    return new LazyBlobs(() => this.#opened().blobs(limits));
  }

  /** The first call to a method opens the store. */
  cache(limitBytes: number): CacheStore {
    return new LazyCache(() => this.#opened().cache(limitBytes));
  }

  /** The first call to a method opens the store. Only of a store that has a limiter. */
  get limiter(): SharedLimiter {
    const find = (): SharedLimiter => {
      const { limiter } = this.#opened();
      if (!limiter) throw new Fault('store_unavailable', { message: 'the store counts no requests' });
      return limiter;
    };
    return { take: async (rule, key) => find().take(rule, key), countProcesses: async () => find().countProcesses() };
  }

  /**
   * Opens the store before the first request needs it. Resolves when the store has replied to a
   * query or refused it, after 5 seconds at the latest: with the reason why it cannot be used, if
   * that is known by then. Never rejects: the store logs the reason by itself, and each later call
   * rejects with it.
   */
  async warm(): Promise<unknown> {
    const over = new AbortController();
    const late = delay(WARM_WITHIN_MS, undefined, { signal: over.signal });
    const queried = this.#query();
    const reason = await Promise.race([queried, late]).catch((error: unknown) => error);
    over.abort();
    return reason;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#store?.close();
  }

  async #query(): Promise<void> {
    await this.queue.ledger.find('');
  }

  #opened(): Store {
    if (this.#isClosed && !this.#store) throw new Fault('store_unavailable', { message: 'the store is closed' });
    // Its connections and timers are not those of the function that needs it first.
    this.#store ??= outsideOfCalls(this.#open);
    return this.#store;
  }
}

/** Its methods are async, so that a store that cannot be opened rejects like one that is away. */
class LazyKv implements Kv {
  readonly #open: () => Kv;
  #kv: Kv | undefined;

  constructor(open: () => Kv) {
    this.#open = open;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#opened().get(key);
  }

  async put(key: string, value: Uint8Array, ttlMs?: number): Promise<void> {
    return this.#opened().put(key, value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    return this.#opened().delete(key);
  }

  async list(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#opened().list(prefix, limit, after);
  }

  #opened(): Kv {
    this.#kv ??= this.#open();
    return this.#kv;
  }
}

/** Its methods are async for the same reason. */
class LazyBlobs implements BlobStorage {
  readonly #open: () => BlobStorage;
  #blobs: BlobStorage | undefined;

  constructor(open: () => BlobStorage) {
    this.#open = open;
  }

  get isShared(): boolean {
    return this.#opened().isShared;
  }

  async get(store: string, key: string) {
    return this.#opened().get(store, key);
  }

  async head(store: string, key: string) {
    return this.#opened().head(store, key);
  }

  async put(store: string, key: string, body: BlobBody, options?: PutOptions) {
    return this.#opened().put(store, key, body, options);
  }

  async delete(store: string, key: string, ifMatch?: string) {
    return this.#opened().delete(store, key, ifMatch);
  }

  async list(store: string, query?: ListQuery) {
    return this.#opened().list(store, query);
  }

  async listStores(prefix: string, cursor?: string) {
    return this.#opened().listStores(prefix, cursor);
  }

  async deleteStore(store: string) {
    return this.#opened().deleteStore(store);
  }

  async check() {
    return this.#opened().check();
  }

  #opened(): BlobStorage {
    this.#blobs ??= this.#open();
    return this.#blobs;
  }
}

/** Its methods are async for the same reason. */
class LazyCache implements CacheStore {
  readonly #open: () => CacheStore;
  #cache: CacheStore | undefined;

  constructor(open: () => CacheStore) {
    this.#open = open;
  }

  mayHaveEntries(): boolean {
    return this.#opened().mayHaveEntries();
  }

  async read(key: string) {
    return this.#opened().read(key);
  }

  async write(key: string, value: Uint8Array, keepMs: number) {
    return this.#opened().write(key, value, keepMs);
  }

  async delete(keys: readonly string[]) {
    return this.#opened().delete(keys);
  }

  async lock(key: string, leaseMs: number) {
    return this.#opened().lock(key, leaseMs);
  }

  async ban(tags: readonly string[], since: number): Promise<BanPage> {
    return this.#opened().ban(tags, since);
  }

  async bans(since: number): Promise<BanPage> {
    return this.#opened().bans(since);
  }

  async bytes() {
    return this.#opened().bytes();
  }

  get isHearing(): boolean {
    return this.#opened().isHearing;
  }

  onBan(...listeners: Parameters<CacheStore['onBan']>): () => void {
    return this.#opened().onBan(...listeners);
  }

  #opened(): CacheStore {
    this.#cache ??= this.#open();
    return this.#cache;
  }
}
