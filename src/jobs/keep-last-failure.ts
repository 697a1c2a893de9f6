import type { Ledger } from '../contract/store.ts';

/** More than one is there only when this failed before. */
const MOST = 10;

/**
 * Of a schedule's runs that were set aside only the last one is kept: each is as good as any other, and one that fails every minute would
 * fill the store.
 */
export async function keepLastFailure(ledger: Ledger, rule: string, id: string): Promise<void> {
  const dead = await ledger.list({ state: 'dead', rule, limit: MOST });
  for (const job of dead) if (job.id !== id) await ledger.drop(job.id);
}
