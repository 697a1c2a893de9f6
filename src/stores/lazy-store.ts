import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../contract/fault.ts';
import type { Kv, Queue, Store } from '../contract/store.ts';

/** As long as the thread of the embedded store may take to start on a starved machine. */
const WARM_WITHIN_MS = 5000;

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

  /**
   * Opens the store before anybody waits for it. Resolves when it has answered a question or refused to, after 5 seconds at the latest. Never rejects: the
   * store tells the log by itself why it cannot be used, and so is told whoever needs it.
   */
  async warm(): Promise<void> {
    const over = new AbortController();
    const late = delay(WARM_WITHIN_MS, undefined, { signal: over.signal });
    const asked = this.#answer();
    await Promise.race([asked, late]).catch(() => {});
    over.abort();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#store?.close();
  }

  async #answer(): Promise<void> {
    await this.queue.ledger.find('');
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
