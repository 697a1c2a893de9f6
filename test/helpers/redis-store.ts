import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { redisUrl } from '../../src/config/redis-url.ts';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import { openRedisStore } from '../../src/stores/redis/open.ts';

export interface HeardLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface OpenedStore {
  readonly store: Store;
  readonly prefix: string;
  /** What the store told the log so far. */
  readonly lines: readonly HeardLine[];
}

/** Opens a store on the Redis at `url`, under a prefix of its own unless one is given. Closed when the test ends. */
export function openStore(t: ExecutionContext, url: string, prefix: string = randomUUID()): OpenedStore {
  const place = redisUrl(url);
  if (!place) throw new Error('no URL of a Redis');
  const lines: HeardLine[] = [];
  const hear =
    (level: HeardLine['level']) =>
    (message: string, fields?: HeardLine['fields']): void => {
      lines.push({ level, message, ...(fields && { fields }) });
    };
  const log: Log = {
    info: hear('info'),
    warn: hear('warn'),
    error: hear('error'),
    access() {},
    reopen() {},
    async close() {},
  };
  const store = openRedisStore({ endpoint: place, prefix, log });
  t.teardown(() => store.close());
  return { store, prefix, lines };
}
