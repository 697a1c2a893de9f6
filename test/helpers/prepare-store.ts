import type { ExecutionContext } from 'ava';
import type { Claim, Job, NewJob, Queue, Store } from '../../src/contract/store.ts';
import { untilResult } from './until-result.ts';

/**
 * Prepares empty storage. Resolves with a function that opens a store on it. Each call opens one more store on the same data, like another process.
 * Stores and data are removed when the test ends.
 *
 * The suites are serial: each store may have a thread, and many threads at once could not answer within their second.
 */
export type PrepareStore = (t: ExecutionContext) => Promise<() => Promise<Store>>;

/** A lease that is longer than every test. */
export const LONG_LEASE_MS = 120_000;

/** A lease for tests that wait for its end. */
export const SHORT_LEASE_MS = 40;

/** A job of the rule 'mail' that is due now. */
export function newJob(parts: Partial<NewJob> = {}): NewJob {
  return { rule: 'mail', payload: Buffer.from('hello'), dueAtMs: Date.now(), ...parts };
}

/** Claims a job as soon as one is due. */
export async function claimSoon(queue: Queue, { rules = ['mail'], leaseMs = LONG_LEASE_MS } = {}): Promise<Claim> {
  const claim = await untilResult(() => queue.claim(rules, leaseMs), Boolean);
  if (claim === undefined) throw new Error('untilResult resolved with undefined');
  return claim;
}

/** Claims all jobs that are due now. */
export async function claimAll(queue: Queue, rules: readonly string[] = ['mail']): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  for (;;) {
    const claim = await queue.claim(rules, LONG_LEASE_MS);
    if (!claim) return jobs;
    jobs.push(claim.job);
  }
}
