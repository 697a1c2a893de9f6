import type { Cluster, Redis } from 'ioredis';

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
