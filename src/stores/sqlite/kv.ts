import type { Kv } from '../../contract/store.ts';
import type { StateThread } from './state-thread.ts';
import { toTransfer } from './to-transfer.ts';

/** Values of one namespace in the embedded store. */
export class SqliteKv implements Kv {
  readonly #thread: StateThread;
  readonly #namespace: string;

  constructor(thread: StateThread, namespace: string) {
    this.#thread = thread;
    this.#namespace = namespace;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#thread.ask('get', [this.#namespace, key]);
  }

  put(key: string, value: Uint8Array, ttlMs?: number): Promise<void> {
    const bytes = toTransfer(value);
    return this.#thread.ask('put', [this.#namespace, key, bytes, ttlMs], [bytes.buffer]);
  }

  delete(key: string): Promise<void> {
    return this.#thread.ask('delete', [this.#namespace, key]);
  }

  list(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    return this.#thread.ask('keys', [this.#namespace, prefix, limit, after]);
  }
}
