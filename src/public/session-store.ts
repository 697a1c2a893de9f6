import '../config/require-node.ts';
import { type Config, readConfig } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import type { Store } from '../contract/store.ts';
import { openStore } from '../stores/open.ts';

/** The sessions of one driver. */
export interface SessionStore {
  /** Null if there is none. */
  get(key: string): Promise<string | null>;
  put(key: string, value: string, ttlMs: number): Promise<void>;
  remove(key: string): Promise<void>;
  keys(prefix: string): Promise<string[]>;
  /** With the last one the connection or thread behind it ends. */
  close(): Promise<void>;
}

/**
 * The one thing of this module that is kept by the module itself: Astro makes its drivers where nothing of ours is handed to them, and a process has no use for
 * more than one connection.
 */
const shared: { store: Store | undefined; users: number; config: Config | undefined } = {
  store: undefined,
  users: 0,
  config: undefined,
};

/** Sessions opened from now on are kept where these settings say: those of the site, which is not always in the folder where the process was started. */
export function keepSessionsBy(config: Config): void {
  shared.config = config;
}

/** Sessions of the same `base` are shared. Reads the settings of the process, unless it was given some; throws a ConfigError for bad ones. */
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

/** Whoever asks for a session is told of what fails; these are for the person who runs the server. There is no log of ours in Astro's process. */
const LOG: Log = {
  info() {},
  warn: (message) => process.emitWarning(message),
  error: (message) => process.emitWarning(message),
  access() {},
  reopen() {},
  async close() {},
};
