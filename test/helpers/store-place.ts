import type { ExecutionContext } from 'ava';
import type { Claim, Job, NewJob, Queue, Store } from '../../src/contract/store.ts';
import { untilResult } from './until-told.ts';

/**
 * Prepares an empty place for data. What it resolves with opens a store on that data, as often as it is called, beside those that are open,
 * as several processes would. Stores and data are gone when the test ends.
 *
 * The suites run one test after another: each store may have a thread of its own, and many at once would starve each other of the second
 * within which they have to answer.
 */
export type StorePlace = (t: ExecutionContext) => Promise<() => Promise<Store>>;

/** Longer than any test. */
export const LONG_LEASE_MS = 120_000;

/** As long as a test that waits for its end should take. */
export const SHORT_LEASE_MS = 40;

/** A job for the rule 'mail' that is due at once. */
export function newJob(parts: Partial<NewJob> = {}): NewJob {
  return { rule: 'mail', payload: Buffer.from('hello'), dueAtMs: Date.now(), ...parts };
}

/** Claims as soon as something is due. */
export async function claimSoon(queue: Queue, { rules = ['mail'], leaseMs = LONG_LEASE_MS } = {}): Promise<Claim> {
  const claim = await untilResult(() => queue.claim(rules, leaseMs), Boolean);
  if (claim === undefined) throw new Error('untilResult resolved with nothing');
  return claim;
}

/** Claims each job that is due now, and does nothing with it. */
export async function claimAll(queue: Queue, rules: readonly string[] = ['mail']): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  for (;;) {
    const claim = await queue.claim(rules, LONG_LEASE_MS);
    if (!claim) return jobs;
    jobs.push(claim.job);
  }
}
