/// <reference types="node" preserve="true" />
import '../config/require-node.ts';
import { type Config, readConfig } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { openStore } from '../stores/open.ts';

/** The stored sessions of one driver. */
export interface SessionStore {
  /** Null if there is none. */
  get(key: string): Promise<string | null>;
  put(key: string, value: string, ttlMs: number): Promise<void>;
  remove(key: string): Promise<void>;
  keys(prefix: string): Promise<string[]>;
  /** Closing the last SessionStore closes the connection or thread that they share. */
  close(): Promise<void>;
}

/**
 * State of the module: Astro creates drivers itself, without an argument of ours, and all drivers
 * of a process share one connection.
 */
const shared: { store: Store | undefined; users: number; config: Config | undefined } = {
  store: undefined,
  users: 0,
  config: undefined,
};

/**
 * Sets the settings for stores that are opened from now on: those of the site, which may be in
 * another folder than the process.
 */
export function keepSessionsBy(config: Config): void {
  shared.config = config;
}

/**
 * Opens the sessions below `base`; drivers with the same `base` share them. Uses the settings of
 * `keepSessionsBy`, or those of the process. Throws a ConfigError for invalid settings.
 */
export function openSessionStore(base: string): SessionStore {
  shared.store ??= openStore(shared.config ?? readConfig(), LOG);
  shared.users++;
  const { store } = shared;
  const kv = store.kv(`session:${base}`);
  let isClosed = false;
  return {
    async get(key) {
      const bytes = await kv.get(key);
      return bytes ? Buffer.from(bytes).toString() : null;
    },
    put: (key, value, ttlMs) => kv.put(key, Buffer.from(value), ttlMs),
    remove: (key) => kv.delete(key),
    async keys(prefix) {
      const keys: string[] = [];
      for (;;) {
        const page = await kv.list(prefix, PAGE, keys.at(-1));
        keys.push(...page);
        if (page.length < PAGE) return keys;
      }
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      shared.users--;
      if (shared.users > 0) return;
      shared.store = undefined;
      await store.close();
    },
  };
}

const PAGE = 1000;

/**
 * Writes warnings as Node warnings, since Astro's process has no log of nexthop. A failed operation
 * also rejects in the caller.
 */
const LOG: Log = {
  info() {},
  warn: (message) => process.emitWarning(message),
  error: (message) => process.emitWarning(message),
  access() {},
  reopen() {},
  async close() {},
};
