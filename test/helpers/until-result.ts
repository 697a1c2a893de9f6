import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';

/** Calls `read` repeatedly until `satisfies` accepts the result, and resolves with it. Rejects with the last result after PATIENCE_MS. */
export async function untilResult<T>(read: () => Promise<T>, satisfies: (result: T) => boolean): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await read();
    if (satisfies(result)) return result;
    if (performance.now() > deadline)
      throw new Error(`the result is ${JSON.stringify(result)} after ${PATIENCE_MS} ms`);
    await delay(5);
  }
}
