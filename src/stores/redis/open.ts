import type { RedisEndpoint } from '../../config/redis-url.ts';
import type { Log } from '../../contract/log.ts';
import type { Store } from '../../contract/store.ts';
import { adviseOnce } from './advice.ts';
import { Connection } from './connection.ts';
import { RedisKv } from './kv.ts';
import { RedisQueue } from './queue.ts';
import { WakeUp } from './wake-up.ts';

export interface RedisStoreSetup {
  readonly place: RedisEndpoint;
  /** All keys begin with it; whoever has the same one shares jobs and values. Without braces. */
  readonly prefix: string;
  readonly log: Log;
}

/** A store on Redis. Returns at once: it connects by itself, now and whenever the connection was lost. */
export function openRedisStore({ place, prefix, log }: RedisStoreSetup): Store {
  const root = `{${prefix}}`;
  const connection = new Connection(place, log);
  const bell = new WakeUp(place, `${root}:pushed`, log);
  adviseOnce(connection, root, log);
  return {
    queue: new RedisQueue(connection, root, bell),
    // Encoded, no namespace can reach into the keys of another.
    kv: (namespace) => new RedisKv(connection, `{${prefix}:${encodeURIComponent(namespace.toWellFormed())}}`),
    async close() {
      await Promise.all([bell.close(), connection.close()]);
    },
  };
}
