/// <reference types="node" preserve="true" />
import type { SessionStore } from './session-store.ts';

export interface SessionOptions {
  /** Seconds after which a session expires if it is not written; default: two weeks. */
  readonly ttl?: number;
  /**
   * Prefix that separates the sessions of one driver from those of others in the same store;
   * default: none.
   */
  readonly base?: string;
}

/** Options for one item, as unstorage passes them. */
export interface ItemOptions {
  /** In seconds. */
  readonly ttl?: number;
}

/**
 * A driver for Astro and unstorage. While the store cannot be reached, each operation rejects
 * within a second.
 */
export interface SessionDriver {
  readonly name: string;
  /** Null if there is no such item, or if it expired. */
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string, options?: ItemOptions): Promise<void>;
  removeItem(key: string): Promise<void>;
  hasItem(key: string): Promise<boolean>;
  /** The keys that begin with `base`. */
  getKeys(base?: string): Promise<string[]>;
  clear(base?: string): Promise<void>;
  /** Releases the driver; the last one closes the store. */
  dispose(): Promise<void>;
}

/**
 * Creates a driver for Astro's sessions (docs/sessions.md) on the store that REDIS_URL,
 * REDIS_PREFIX and DATA_DIR name when the server runs. Opens the store at the first use. Throws a
 * TypeError for invalid options.
 */
export default function createDriver(options?: SessionOptions): SessionDriver {
  const { ttl = TWO_WEEKS_S, base = '' } = options ?? {};
  const usualTtlMs = toMs(ttl);
  if (typeof base !== 'string') throw new TypeError(`base must be a string, got ${typeof base}`);
  let opened: Promise<SessionStore> | undefined;
  const use = async (): Promise<SessionStore> => {
    opened ??= openSessions(base);
    try {
      return await opened;
    } catch (error) {
      // The next operation tries to open the store again.
      opened = undefined;
      throw error;
    }
  };
  // An object with own functions, not a class: Astro copies drivers by spreading them.
  return {
    name: 'nexthop',
    getItem: async (key) => (await use()).get(key),
    setItem: async (key, value, item) =>
      (await use()).put(key, value, item?.ttl === undefined ? usualTtlMs : toMs(item.ttl)),
    removeItem: async (key) => (await use()).remove(key),
    hasItem: async (key) => (await (await use()).get(key)) !== null,
    getKeys: async (prefix = '') => (await use()).keys(prefix),
    async clear(prefix = '') {
      const sessions = await use();
      await Promise.all((await sessions.keys(prefix)).map((key) => sessions.remove(key)));
    },
    async dispose() {
      const sessions = opened;
      opened = undefined;
      await (await sessions)?.close();
    },
  };
}

/**
 * Astro writes a session only when it changed, so the time counts from the last change. The same
 * default as in Django.
 */
const TWO_WEEKS_S = 14 * 24 * 3600;

function toMs(ttl: unknown): number {
  if (typeof ttl === 'number' && ttl > 0 && Number.isFinite(ttl)) return Math.max(1, Math.round(ttl * 1000));
  throw new TypeError(`ttl must be a number of seconds above 0, got ${String(ttl)}`);
}

const STORE = 'nexthop/session-store';

/**
 * Imports the store by a name in a variable, which bundlers do not follow. They put this file into
 * the build of a site; the store must not be part of it, because it loads the code of its thread
 * from a file of the package.
 */
async function openSessions(base: string): Promise<SessionStore> {
  const { openSessionStore } = (await import(/* @vite-ignore */ STORE)) as typeof import('./session-store.ts');
  return openSessionStore(base);
}
