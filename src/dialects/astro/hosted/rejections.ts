import type { Log } from '../../../contract/log.ts';

/**
 * Imports a build and takes off the listener for rejections that it adds to the process: that one keeps the process alive, but says nothing of what happens outside of
 * a page (@astrojs/node 11), or says it to stdout, and would be one more with each reload. Where nobody else listens, as in a program that has nexthop
 * inside, one of ours does from then on, so that the process lives as it would with the build's own.
 */
export async function takeOverRejections<T>(log: Log, importBuild: () => Promise<T>): Promise<T> {
  const before = new Set(process.listeners(EVENT));
  try {
    return await importBuild();
  } finally {
    for (const listener of process.listeners(EVENT)) {
      // Others may begin to listen while the build loads.
      if (!before.has(listener) && String(listener).includes(OF_A_BUILD)) process.off(EVENT, listener);
    }
    if (process.listenerCount(EVENT) === 0) {
      process.on(EVENT, (error) => log.error('a rejection was not handled', { origin: EVENT, error }));
    }
  }
}

const EVENT = 'unhandledRejection';

/** Stands in the listener of every version of @astrojs/node. */
const OF_A_BUILD = 'Unhandled rejection while rendering';
