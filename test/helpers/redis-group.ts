import type { ExecutionContext } from 'ava';
import { type RedisServer, startRedis } from './redis-server.ts';
import { untilTold } from './until-told.ts';

export interface RedisGroup {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinel: RedisServer;
  readonly url: string;
}

/** A master, a replica that has all its data, and a Sentinel that watches them and decides alone, after 300 ms. */
export async function startGroup(t: ExecutionContext): Promise<RedisGroup> {
  const [master, replica] = await Promise.all([startRedis(t), startRedis(t)]);
  await replica.call('REPLICAOF', '127.0.0.1', master.port);
  await untilTold(
    async () => String(await replica.call('INFO', 'replication')),
    (info) => info.includes('master_link_status:up'),
  );
  const sentinel = await startRedis(t, {
    sentinel: [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 300',
      'sentinel failover-timeout main 2000',
    ],
  });
  await untilTold(
    async () => (await sentinel.call('SENTINEL', 'replicas', 'main')) as unknown[],
    (replicas) => replicas.length === 1,
  );
  return { master, replica, sentinel, url: `redis+sentinel://127.0.0.1:${sentinel.port}/main` };
}
