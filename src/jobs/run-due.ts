import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import { Schedule } from '../contract/schedule.ts';
import type { Job, Queue } from '../contract/store.ts';
import type { Ending } from './ending.ts';
import { toFailureReason } from './failure-reason.ts';
import { Outage } from './outage.ts';
import { Run } from './run.ts';

/** One attempt at a job. */
export interface JobRun {
  /** Name of its rule. */
  readonly name: string;
  /** The file of the function, relative to the site. */
  readonly file: string;
  /** 'failed': it is tried again later. 'dead': it failed for the last time. */
  readonly state: 'done' | 'failed' | 'dead';
  /** Why it failed; undefined if it is done. */
  readonly reason?: string;
}

export interface DueJobs {
  readonly queue: Queue;
  /** The rules whose jobs are run. */
  readonly rules: readonly JobRule[];
  readonly log: Log;
}

/** A longer run extends its lease. */
const LEASE_MS = 15_000;

/**
 * Runs the jobs that are due, one after the other, also those that they push, until none is left.
 * For tests and commands; a server has a Worker. Rejects with `store_unavailable`.
 */
export async function runDueJobs({ queue, rules, log }: DueJobs): Promise<readonly JobRun[]> {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  const outage = new Outage(log, 'jobs wait until it is back');
  const runs: JobRun[] = [];
  for (;;) {
    const claim = await queue.claim([...byName.keys()], LEASE_MS);
    const rule = claim && byName.get(claim.job.rule);
    if (!rule) return runs;
    const { promise: ended, resolve: onEnding } = Promise.withResolvers<Ending>();
    const nextRunAtMs = rule.schedule === undefined ? undefined : new Schedule(rule.schedule).nextAfter(Date.now());
    const parts = { queue, claim, rule, nextRunAtMs, leaseMs: LEASE_MS, outage, log, isOnce: true };
    const run = new Run({ ...parts, onOver() {}, onEnding });
    await run.finish();
    runs.push({ name: rule.name, file: rule.file, ...toOutcome(await ended, rule, claim.job) });
  }
}

function toOutcome(ending: Ending, { retryAfterMs }: JobRule, { failures }: Job): Pick<JobRun, 'state' | 'reason'> {
  if (ending.kind === 'done') return { state: 'done' };
  if (ending.kind === 'vanished') return { state: 'dead', reason: ending.reason };
  if (ending.kind !== 'failed') return { state: 'failed', reason: 'another process has the job' };
  const reason = toFailureReason(ending.error);
  return { state: retryAfterMs[failures] === undefined ? 'dead' : 'failed', reason };
}
