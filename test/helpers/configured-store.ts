import { DatabaseSync } from 'node:sqlite';
import type { ExecutionContext } from 'ava';
import { readConfig } from '../../src/config/config.ts';
import type { Store } from '../../src/contract/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { logFolder } from './log-folder.ts';
import { PATIENCE_MS } from './patience.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { ready, sqliteFolder } from './sqlite-store.ts';

/** An empty store with the settings that name it. */
export interface ConfiguredStore {
  readonly env: Readonly<Record<string, string>>;
  /** Opens the store for the test, in addition to nexthop. Closed when the test ends. */
  open(): Promise<Store>;
  /** Makes jobs that wait for a retry due now. */
  passTime(): Promise<void>;
  /** From now on nothing is stored, and nothing refused, until what it resolves with is called; the store itself gives up after a while. */
  hold(): Promise<() => Promise<void>>;
}

/** By the name of the store. */
export const CONFIGURED_STORES: Readonly<Record<string, (t: ExecutionContext) => Promise<ConfiguredStore>>> = {
  SQLite: configureSqlite,
  Redis: configureRedis,
};

export async function configureSqlite(t: ExecutionContext): Promise<ConfiguredStore> {
  const { dataDir, file } = await sqliteFolder(t);
  const env = { DATA_DIR: dataDir, STORE_FSYNC: '0' };
  return {
    env,
    open: () => open(t, env),
    async passTime() {
      const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
      database.exec('UPDATE jobs SET due_at = 0 WHERE lease IS NULL AND dead = 0');
      database.close();
    },
    async hold() {
      const database = new DatabaseSync(file, { timeout: PATIENCE_MS });
      database.exec('BEGIN IMMEDIATE');
      return async () => database.close();
    },
  };
}

export async function configureRedis(t: ExecutionContext): Promise<ConfiguredStore> {
  const server = await startRedis(t);
  const env = { REDIS_URL: server.url };
  return {
    env,
    open: () => open(t, env),
    passTime: () => passTime(server),
    async hold() {
      await server.call('CLIENT', 'PAUSE', 10_000, 'WRITE');
      return async () => void (await server.call('CLIENT', 'UNPAUSE'));
    },
  };
}

async function passTime(server: RedisServer): Promise<void> {
  for (const key of (await server.call('KEYS', '*:due:*')) as string[]) {
    for (const id of (await server.call('ZRANGE', key, 0, -1)) as string[]) await server.call('ZADD', key, 0, id);
  }
}

async function open(t: ExecutionContext, env: ConfiguredStore['env']): Promise<Store> {
  const store = openStore(readConfig({ env }), (await logFolder(t)).open(), { callTimeoutMs: PATIENCE_MS });
  t.teardown(() => store.close());
  return ready(store);
}
