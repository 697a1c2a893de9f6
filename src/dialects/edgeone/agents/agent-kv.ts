import { Fault } from '../../../contract/fault.ts';
import type { Kv } from '../../../contract/store.ts';

const MOST_KEYS = 1000;

/** `context.kv`: values of one agent, as JSON. Each method rejects with `store_unavailable` if the store is away. */
export class AgentKv {
  readonly #kv: Kv | undefined;

  /** `kv`: undefined if the site is read but not served. */
  constructor(kv: Kv | undefined) {
    this.#kv = kv;
  }

  /** Undefined if the key is absent. */
  readonly get = async (key: unknown): Promise<unknown> => {
    const bytes = await this.#store().get(toKey(key));
    return bytes && JSON.parse(Buffer.from(bytes).toString());
  };

  /** `ttl`: the lifetime in seconds. */
  readonly set = async (key: unknown, value: unknown, ttl?: number): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(value) ?? 'null');
    await this.#store().put(toKey(key), bytes, ttl === undefined ? undefined : ttl * 1000);
  };

  readonly delete = async (key: unknown): Promise<void> => {
    await this.#store().delete(toKey(key));
  };

  readonly list = async ({
    prefix = '',
  }: {
    prefix?: string;
  } = {}): Promise<{ keys: readonly string[]; complete: boolean }> => {
    const keys = await this.#store().list(prefix, MOST_KEYS + 1);
    return { keys: keys.slice(0, MOST_KEYS), complete: keys.length <= MOST_KEYS };
  };

  #store(): Kv {
    if (this.#kv) return this.#kv;
    throw new Fault('store_unavailable', { message: 'the values of agents can be used only while nexthop serves' });
  }
}

function toKey(key: unknown): string {
  if (typeof key === 'string' && key !== '' && Buffer.byteLength(key) <= 512) return key;
  throw new TypeError(`a key must be a text of 1 to 512 bytes, got ${JSON.stringify(key)}`);
}
