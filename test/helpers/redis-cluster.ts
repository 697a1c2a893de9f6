import type { ExecutionContext } from 'ava';
import { type RedisServer, startRedis } from './redis-server.ts';
import { untilTold } from './until-told.ts';

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  readonly url: string;
}

/** Three masters that share the slots. */
export async function startCluster(t: ExecutionContext): Promise<RedisCluster> {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000' };
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis(t, { settings })));
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [index, node] of nodes.entries()) {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', bounds[index] ?? 0, (bounds[index + 1] ?? 0) - 1);
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  const [first, ...others] = nodes;
  for (const other of others) await other.call('CLUSTER', 'MEET', '127.0.0.1', first?.port ?? 0);
  for (const node of nodes) {
    await untilTold(
      async () => String(await node.call('CLUSTER', 'INFO')),
      (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'),
    );
  }
  return { nodes, url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}` };
}
