import { type RunningRedis, runRedis } from './redis-server.ts';
import { untilResult } from './until-result.ts';

export interface RedisGroup {
  readonly master: RunningRedis;
  readonly replica: RunningRedis;
  readonly sentinel: RunningRedis;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a master, a replica with its data, and one Sentinel, which starts a failover after a time longer than the deadline of a call. */
export async function runGroup(): Promise<RedisGroup> {
  const settings = { 'repl-diskless-sync-delay': '0' };
  const [master, replica] = await Promise.all([runRedis({ settings }), runRedis({ settings })]);
  await replica.call('REPLICAOF', '127.0.0.1', master.port);
  await untilResult(
    async () => String(await replica.call('INFO', 'replication')),
    (info) => info.includes('master_link_status:up'),
  );
  const sentinel = await runRedis({
    sentinel: [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 5000',
      'sentinel failover-timeout main 2000',
    ],
  });
  // The Sentinel queries the master every ten seconds, the first time immediately.
  await untilResult(
    async () => String(await sentinel.call('INFO', 'sentinel')),
    (info) => info.includes('slaves=1'),
  );
  return {
    master,
    replica,
    sentinel,
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/main`,
    async stop() {
      await Promise.all([master, replica, sentinel].map((server) => server.stop()));
    },
  };
}

/** Resolves when the replica has all that the master has; until its first report it may lag behind for a second. */
export async function untilReplicated(master: RunningRedis | undefined): Promise<void> {
  await untilResult(
    async () => String(await master?.call('INFO', 'replication')),
    (info) => {
      const offset = /^master_repl_offset:(\d+)/m.exec(info)?.[1];
      return offset !== undefined && new RegExp(`^slave0:.*state=online,offset=${offset},`, 'm').test(info);
    },
  );
}
