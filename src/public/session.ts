import type { SessionStore } from './session-store.ts';

export interface SessionOptions {
  /** Seconds after which a session is gone if nothing was written to it; default: two weeks. */
  readonly ttl?: number;
  /** Keeps the sessions of one driver from those of another in the same store; default: none. */
  readonly base?: string;
}

/** For one item; unstorage passes it on. */
export interface ItemOptions {
  /** In seconds. */
  readonly ttl?: number;
}

/** A driver as Astro and unstorage call it. Whatever it is asked for rejects within a second while the store is away. */
export interface SessionDriver {
  readonly name: string;
  /** Null if there is no such item, or its time is over. */
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string, options?: ItemOptions): Promise<void>;
  removeItem(key: string): Promise<void>;
  hasItem(key: string): Promise<boolean>;
  /** Those that begin with `base`. */
  getKeys(base?: string): Promise<string[]>;
  clear(base?: string): Promise<void>;
  /** The driver is not used any more; with the last one the store is closed. */
  dispose(): Promise<void>;
}

/**
 * Makes a driver for Astro's sessions (docs/sessions.md), on the store that REDIS_URL, REDIS_PREFIX and DATA_DIR name when the server runs. Nothing is
 * opened before it is used. Throws a TypeError for options that make no sense.
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
      // Whatever was wrong may be mended the next time.
      opened = undefined;
      throw error;
    }
  };
  // Functions of an object, not of a class: Astro spreads drivers.
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

/** Astro writes a session only when it changed, so that its time counts from the last change; as in Django, whose default this is too. */
const TWO_WEEKS_S = 14 * 24 * 3600;

function toMs(ttl: unknown): number {
  if (typeof ttl === 'number' && ttl > 0 && Number.isFinite(ttl)) return Math.max(1, Math.round(ttl * 1000));
  throw new TypeError(`ttl must be a number of seconds above 0, got ${String(ttl)}`);
}

const STORE = 'nexthop/session-store';

/**
 * Bundlers put this file into the build of a site, where its parts would not find what belongs to them, such as the code of a thread. So they
 * are asked for by name when the server runs, which no bundler follows.
 */
async function openSessions(base: string): Promise<SessionStore> {
  const { openSessionStore } = (await import(/* @vite-ignore */ STORE)) as typeof import('./session-store.ts');
  return openSessionStore(base);
}
