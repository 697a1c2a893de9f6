import { type RunningRedis, runRedis } from './redis-server.ts';
import { untilResult } from './until-result.ts';

export interface RedisCluster {
  readonly nodes: readonly RunningRedis[];
  readonly url: string;
  stop(): Promise<void>;
}

/** Slots of the first, second and third master. */
const BOUNDS = [0, 5461, 10_923, 16_384];

/**
 * Longer than the deadline of a call, and than a node of a loaded machine is without processor time:
 * else the nodes replace one that only waits.
 */
const NODE_TIMEOUT_MS = 6000;

/** Starts three masters that share the slots, and replicas of the first one. */
export async function runCluster({ replicas = 0 } = {}): Promise<RedisCluster> {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(NODE_TIMEOUT_MS),
    'repl-diskless-sync-delay': '0',
  };
  const nodes = await Promise.all(Array.from({ length: 3 + replicas }, () => runRedis({ settings })));
  const [first, ...others] = nodes;
  for (const [index, node] of nodes.slice(0, 3).entries()) {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', BOUNDS[index] ?? 0, (BOUNDS[index + 1] ?? 0) - 1);
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  for (const other of others) await other.call('CLUSTER', 'MEET', '127.0.0.1', first?.port ?? 0);
  for (const node of nodes) {
    await untilResult(
      async () => String(await node.call('CLUSTER', 'INFO')),
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}\r`),
    );
  }
  const id = String(await first?.call('CLUSTER', 'MYID'));
  for (const replica of nodes.slice(3)) {
    await replica.call('CLUSTER', 'REPLICATE', id);
    await untilResult(
      async () => String(await replica.call('INFO', 'replication')),
      (info) => info.includes('master_link_status:up'),
    );
  }
  return {
    nodes,
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
