import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';

/** Polls the condition, for states without an event. Resolves when it is true. Rejects with `what` after PATIENCE_MS. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const sinceMs = performance.now();
  while (!condition()) {
    if (performance.now() > sinceMs + PATIENCE_MS) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await delay(pollPauseMs(sinceMs));
  }
}

/**
 * The pause of a poll that began at this time: a twentieth of the time that it has taken so far. A poll every 5 ms of a process that starts would cost this
 * process as much as the start.
 */
export function pollPauseMs(sinceMs: number): number {
  return Math.min(100, Math.max(5, (performance.now() - sinceMs) / 20));
}
