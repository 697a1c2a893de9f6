import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { redisUrl } from '../../src/config/redis-url.ts';
import type { Log } from '../../src/contract/log.ts';
import type { Store } from '../../src/contract/store.ts';
import { openRedisStore } from '../../src/stores/redis/open.ts';
import { PATIENCE_MS } from './patience.ts';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface OpenedStore {
  readonly store: Store;
  readonly prefix: string;
  /** The log messages of the store so far. */
  readonly lines: readonly LogLine[];
}

/** Time limit of calls in tests of outages: they wait for it, so it is not long, but a loaded machine replies within it. */
export const OUTAGE_CALL_MS = 4000;

interface StoreOptions {
  /** Default: a new one. */
  readonly prefix?: string;
  /** Time limit of calls. Default: long, because other processes may use all cores. */
  readonly callTimeoutMs?: number;
}

/** Opens a store on the Redis at `url`. Closed when the test ends. */
export function openStore(
  t: ExecutionContext,
  url: string,
  { prefix = randomUUID(), callTimeoutMs = PATIENCE_MS }: StoreOptions = {},
): OpenedStore {
  const endpoint = redisUrl(url);
  if (!endpoint) throw new Error('not a URL of a Redis');
  const lines: LogLine[] = [];
  const record =
    (level: LogLine['level']) =>
    (message: string, details?: LogLine['details']): void => {
      lines.push({ level, message, ...(details && { details }) });
    };
  const log: Log = {
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    access() {},
    reopen() {},
    async close() {},
  };
  const store = openRedisStore({ endpoint, prefix, log, callTimeoutMs });
  t.teardown(() => store.close());
  return { store, prefix, lines };
}
