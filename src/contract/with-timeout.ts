import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with true when `work` resolves, or with false after `ms`. Rejects if `work` rejects first. */
export async function withTimeout(ms: number, work: Promise<unknown>): Promise<boolean> {
  const early = new AbortController();
  const late = delay(ms, false, { signal: early.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    early.abort();
  }
}
