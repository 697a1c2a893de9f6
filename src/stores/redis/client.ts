import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type * as Ioredis from 'ioredis';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisEndpoint } from '../../config/redis-url.ts';

/** As ioredis takes them whole and for the nodes of a Cluster. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** To connect, or to hear from a node which others there are. */
const CONNECT_TIMEOUT_MS = 900;

/** A connection that owes an answer for so long is dead, or as good as dead; a new one tells whether the server is there. */
const SILENCE_MS = 2000;

const LONGEST_PAUSE_MS = 1000;

/** A first retry soon, for a server that only restarts; then once a second for as long as it takes. */
export function pauseBeforeRetry(attempt: number): number {
  return Math.min(50 * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
}

/**
 * A client that connects at once, and again for as long as it is open. It never keeps a command until the connection is back, and never sends one
 * again: whoever asked was told of the failure, so it must not happen after that.
 */
export function createClient(place: RedisEndpoint): Redis | Cluster {
  if (place.mode === 'cluster') return createCluster(place);
  const { Redis } = ioredis();
  return new Redis({
    ...optionsOfNode(place),
    ...addressOf(place),
    retryStrategy: pauseBeforeRetry,
    // What is in flight when the connection breaks is rejected then, not sent again.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxLoadingRetryTime: 500,
    // A master that became a replica stays one: the name, or the Sentinels, lead to the new master.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
  });
}

/** How often a command is tried when nodes come and go. With the pauses between, less than a second. */
const CLUSTER_TRIES = 6;
const CLUSTER_PAUSE_MS = 100;

/** Here a command may be sent twice, when a connection breaks: the client knows no other way to follow a failover. */
function createCluster(place: RedisEndpoint): Cluster {
  const { Cluster } = ioredis();
  return new Cluster([...place.nodes], {
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseBeforeRetry,
    maxRedirections: CLUSTER_TRIES,
    retryDelayOnFailover: CLUSTER_PAUSE_MS,
    retryDelayOnClusterDown: CLUSTER_PAUSE_MS,
    retryDelayOnTryAgain: CLUSTER_PAUSE_MS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // Names stay names, so that TLS can check them; each connection looks its own up.
    dnsLookup: (host, told) => told(null, host),
    redisOptions: optionsOfNode(place),
  });
}

/** What every connection to a Redis has, whichever way it is found. */
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

/** Where a single Redis is, or who knows; or one of the nodes of a Cluster. */
export function addressOf({ mode, nodes, group, database, tls, password }: RedisEndpoint, index = 0): Options {
  if (mode === 'sentinel') {
    return {
      sentinels: nodes.map(({ host, port }) => ({ host, port })),
      name: group,
      db: database,
      sentinelRetryStrategy: pauseBeforeRetry,
      sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
      // Sentinels without a password take any.
      ...(password !== undefined && { sentinelPassword: password }),
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    };
  }
  const { host, port } = nodes[index % nodes.length] ?? { host: '', port: 0 }; // a place has a node
  // Node sends the name of the server only when told to, and some hosts of many Redises tell them apart by it.
  return { host, port, db: database, ...(tls && { tls: isIP(host) === 0 ? { servername: host } : {} }) };
}

const require = createRequire(import.meta.url);

/** The client library, loaded when Redis is used first: a tenth of what a short command costs would go into it. Node loads it once. */
export function ioredis(): typeof Ioredis {
  // It is CommonJS, which `require` loads at once; that what it finds has these types it cannot say.
  return require('ioredis') as typeof Ioredis;
}

/** A client that is looking for Sentinels or nodes notices only after it has heard from the one it is asking. */
const PATIENCE_MS = 1000;

/** Closes all that a client has open, and resolves when that is so. */
export function disconnect(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    // Between two attempts nothing is open, and nothing tells of an end.
    const isPausing = client.status === 'reconnecting' || client.status === 'end';
    client.disconnect();
    if (isPausing) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, PATIENCE_MS);
    client.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
