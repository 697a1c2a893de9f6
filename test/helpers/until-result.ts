import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';
import { pollPauseMs } from './until.ts';

/** Calls `read` repeatedly until `satisfies` accepts the result, and resolves with it. Rejects with the last result after PATIENCE_MS. */
export async function untilResult<T>(read: () => Promise<T>, satisfies: (result: T) => boolean): Promise<T> {
  const sinceMs = performance.now();
  for (;;) {
    const result = await read();
    if (satisfies(result)) return result;
    if (performance.now() > sinceMs + PATIENCE_MS)
      throw new Error(`the result is ${JSON.stringify(result)} after ${PATIENCE_MS} ms`);
    await delay(pollPauseMs(sinceMs));
  }
}
