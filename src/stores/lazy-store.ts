import { Fault } from '../fault.ts';
import type { Kv, Queue, Store } from './store.ts';

/** A store that is opened when it is first asked for something, so that nothing is made and nobody called for a site that keeps nothing. */
export class LazyStore implements Store {
  readonly #open: () => Store;
  #store: Store | undefined;
  #isClosed = false;

  constructor(open: () => Store) {
    this.#open = open;
  }

  /** Opens the store. Throws `store_unavailable` when it was closed before it was ever open. */
  get queue(): Queue {
    return this.#opened().queue;
  }

  /** The store is opened by the first call of the namespace's own. */
  kv(namespace: string): Kv {
    return new LazyKv(() => this.#opened().kv(namespace));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#store?.close();
  }

  #opened(): Store {
    if (this.#isClosed && !this.#store) throw new Fault('store_unavailable', { message: 'the store is closed' });
    this.#store ??= this.#open();
    return this.#store;
  }
}

/** Async, so that a store that cannot be opened rejects like one that is away. */
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
