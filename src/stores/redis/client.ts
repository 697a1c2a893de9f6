import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type * as Ioredis from 'ioredis';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';

/** The options that ioredis accepts both for a client and for the nodes of a Cluster. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** Time-out for a connection, and for the list of nodes from one node. */
const CONNECT_TIMEOUT_MS = 900;

/**
 * A connection that owes a reply for this long is considered dead. A new connection shows whether
 * the server is reachable.
 */
const SILENCE_MS = 2000;

/**
 * Milliseconds before each reconnection. Until a connection is back, a process does not know the purges of others: so this is also how long it uses purged responses
 * of its memory. It does not grow: a server that refuses connections for hours costs 2 to 3 % of a core.
 */
const PAUSE_MS = 30;

export function pauseBeforeRetry(): number {
  return PAUSE_MS;
}

/**
 * Creates a client that connects at once, and reconnects until it is closed. It never queues a
 * command until the connection is back, and never sends a command twice: the caller has already got
 * the failure, so the command must not take effect after that.
 */
export function createClient(endpoint: RedisEndpoint): Redis | Cluster {
  if (endpoint.mode === 'cluster') return createCluster(endpoint);
  const { Redis } = ioredis();
  return new Redis({
    ...optionsOfNode(endpoint),
    ...addressOf(endpoint),
    retryStrategy: pauseBeforeRetry,
    // A command that is in flight when the connection breaks is rejected at once and not sent
    // again.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxLoadingRetryTime: 500,
    // The connection leads to a former master. A new connection finds the new master by its name or
    // by the Sentinels.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
  });
}

/**
 * How often a command is sent while nodes change. With the pauses in between this takes less than a
 * second.
 */
const CLUSTER_TRIES = 6;
const CLUSTER_PAUSE_MS = 100;

/**
 * In a Cluster a command may be sent twice when a connection breaks: ioredis has no other way to
 * follow a failover.
 */
function createCluster(endpoint: RedisEndpoint): Cluster {
  const { Cluster } = ioredis();
  return new Cluster([...endpoint.nodes], {
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseBeforeRetry,
    maxRedirections: CLUSTER_TRIES,
    retryDelayOnFailover: CLUSTER_PAUSE_MS,
    retryDelayOnClusterDown: CLUSTER_PAUSE_MS,
    retryDelayOnTryAgain: CLUSTER_PAUSE_MS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // Names are not resolved here, so that TLS can verify them; each connection resolves its own.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: optionsOfNode(endpoint),
  });
}

/** The options of each connection to a Redis, however its address is found. */
export function optionsOfNode({ username, password, tls }: RedisEndpoint): Options {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectionName: 'nexthop',
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    disconnectTimeout: 300,
  };
}

/** The options for the address of a single Redis, of the Sentinels, or of one node of a Cluster. */
export function addressOf({ mode, nodes, group, database, tls, password }: RedisEndpoint, index = 0): Options {
  if (mode === 'sentinel') {
    return {
      sentinels: nodes.map(({ host, port }) => ({ host, port })),
      name: group,
      db: database,
      sentinelRetryStrategy: pauseBeforeRetry,
      sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
      // Sentinels without a password accept any password.
      ...(password !== undefined && { sentinelPassword: password }),
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    };
  }
  const { host, port } = nodes[index % nodes.length] ?? { host: '', port: 0 }; // an endpoint has at least one node
  // Node sends the server name (SNI) only if it is set. Hosts of many Redis servers need it to
  // select one.
  return { host, port, db: database, ...(tls && { tls: isIP(host) === 0 ? { servername: host } : {} }) };
}

const require = createRequire(import.meta.url);

/**
 * Loads the client library when Redis is first used. Loading it takes a tenth of the time of a
 * short command. Node loads it once.
 */
export function ioredis(): typeof Ioredis {
  // The package is CommonJS, and the type of `require` is `any`.
  return require('ioredis') as typeof Ioredis;
}

/** A client that queries Sentinels or nodes notices `disconnect()` only after their reply. */
const DISCONNECT_TIMEOUT_MS = 1000;

/** Closes all connections of a client. Resolves when they are closed, or after a second. */
export function disconnect(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    // Between two attempts no connection is open, and no event follows.
    const isPausing = client.status === 'reconnecting' || client.status === 'end';
    client.disconnect();
    if (isPausing) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, DISCONNECT_TIMEOUT_MS);
    client.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
