import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';

/** Asks again and again until what is told satisfies, and resolves with it. Rejects, naming what was told last, if that takes too long. */
export async function untilResult<T>(ask: () => Promise<T>, satisfies: (told: T) => boolean): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const told = await ask();
    if (satisfies(told)) return told;
    if (performance.now() > deadline) throw new Error(`told ${JSON.stringify(told)} for ${PATIENCE_MS} ms`);
    await delay(5);
  }
}
