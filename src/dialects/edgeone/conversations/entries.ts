import type { Kv } from '../../../contract/store.ts';
import { MemoryError } from './memory-error.ts';

const PAGE = 1000;

/** Values as JSON in a key-value store. Its failures are errors of the conversation store. */
export class Entries {
  readonly #kv: Kv;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** All keys that begin with `prefix`, in byte order. */
  async keys(prefix: string): Promise<readonly string[]> {
    const all: string[] = [];
    for await (const key of this.walk(prefix)) all.push(key);
    return all;
  }

  /** The same, read in pages: a caller that needs the first ones reads no more. */
  async *walk(prefix: string, pageSize = PAGE): AsyncGenerator<string> {
    let last: string | undefined;
    for (;;) {
      const keys = await run(this.#kv.list(prefix, pageSize, last));
      yield* keys;
      if (keys.length < pageSize) return;
      last = keys.at(-1);
    }
  }

  /** Undefined if there is none. Rejects with a MemoryCorruptError if it is not JSON. */
  async read<T>(key: string): Promise<T | undefined> {
    const bytes = await run(this.#kv.get(key));
    if (!bytes) return undefined;
    try {
      return JSON.parse(Buffer.from(bytes).toString()) as T; // `write` wrote it
    } catch (cause) {
      throw new MemoryError('MemoryCorruptError', `the stored value of ${JSON.stringify(key)} is damaged`, cause);
    }
  }

  /** In the order of the keys. Entries that were deleted since are left out. */
  async readAll<T>(keys: readonly string[]): Promise<readonly T[]> {
    const found = await Promise.all(keys.map((key) => this.read<T>(key)));
    return found.filter((value) => value !== undefined);
  }

  async write(key: string, value: unknown): Promise<void> {
    await run(this.#kv.put(key, Buffer.from(JSON.stringify(value))));
  }

  async remove(key: string): Promise<void> {
    await run(this.#kv.delete(key));
  }

  /** Removes each entry whose key begins with `prefix`. Resolves with their number. */
  async removeAll(prefix: string): Promise<number> {
    const keys = await this.keys(prefix);
    for (const key of keys) await this.remove(key);
    return keys.length;
  }
}

/** A part of a key. It has no "/". */
export function encode(text: string): string {
  return encodeURIComponent(text);
}

export function decode(part: string): string {
  return decodeURIComponent(part);
}

async function run<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new MemoryError('MemoryStorageError', 'the store of conversations cannot be reached', cause);
  }
}
