import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import { COMMAND_CALL_TIMEOUT_MS, type Store } from '../contract/store.ts';
import { openStore } from '../stores/open.ts';
import { STATE_FILE } from '../stores/sqlite/open.ts';
import { NoteLog } from './note-log.ts';

/** Why there is no store to use; undefined if there is one. Reading must not create one, least of all in a wrong folder. */
export function explainNoStore({ DATA_DIR, REDIS_URL }: Config): string | undefined {
  if (REDIS_URL || existsSync(join(DATA_DIR, STATE_FILE))) return undefined;
  return `there is no store in ${DATA_DIR}: nothing has been stored there yet; for another site use --site=PATH, for another folder DATA_DIR`;
}

/** Opens the store of the site for a command, and closes it afterwards. The log is for storages on top of the store. */
export async function useStore<T>(config: Config, use: (store: Store, log: Log) => Promise<T>): Promise<T> {
  // The error contains what the store would log.
  const log = new NoteLog([]);
  const store = openStore(config, log, { callTimeoutMs: COMMAND_CALL_TIMEOUT_MS });
  try {
    return await use(store, log);
  } finally {
    await store.close();
  }
}
