import type { Kv } from '../../contract/store.ts';
import type { Connection } from './connection.ts';
import { DELETE, GET, LIST, PUT } from './kv-scripts.ts';
import { toBytes, toList, toText } from './reply.ts';

/** Keys that one call reads, expired ones included. */
const MOST_AT_ONCE = 1000;

/** Larger than any byte of UTF-8. */
const LAST_BYTE = Buffer.from([0xff]);

export class RedisKv implements Kv {
  readonly #connection: Connection;
  /** The key with which all keys of the namespace begin. */
  readonly #root: string;

  constructor(connection: Connection, root: string) {
    this.#connection = connection;
    this.#root = root;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const reply = await this.#connection.run(GET, this.#root, key);
    return reply === null ? undefined : toBytes(reply);
  }

  async put(key: string, value: Uint8Array, ttlMs?: number): Promise<void> {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    // Redis accepts whole milliseconds, at least one.
    await this.#connection.run(PUT, this.#root, key, bytes, ttlMs === undefined ? '' : Math.max(1, Math.ceil(ttlMs)));
  }

  async delete(key: string): Promise<void> {
    await this.#connection.run(DELETE, this.#root, key);
  }

  async list(prefix: string, limit: number, after?: string): Promise<readonly string[]> {
    const keys: string[] = [];
    const end = Buffer.concat([Buffer.from(`(${prefix}`), LAST_BYTE]);
    let from = toLowerBound(prefix, after);
    while (keys.length < limit) {
      const most = Math.min(limit - keys.length, MOST_AT_ONCE);
      const [hasMore, last, found] = toList(await this.#connection.run(LIST, this.#root, from, end, most));
      keys.push(...toList(found).map(toText));
      if (hasMore === 0) break;
      from = `(${toText(last)}`;
    }
    return keys;
  }
}

/** Compared by bytes, as Redis does; JavaScript compares strings by UTF-16 units. */
function toLowerBound(prefix: string, after: string | undefined): string {
  const isAfterPrefix = after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0;
  return isAfterPrefix ? `(${after}` : `[${prefix}`;
}
