import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { Job } from '../contract/store.ts';

/** What an attempt at a job came to. */
export type Ending =
  | { readonly kind: 'done' }
  /** With what was thrown. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Not even begun, as its process ended too often before. */
  | { readonly kind: 'vanished'; readonly reason: string }
  /** The process has to end. */
  | { readonly kind: 'given back' }
  /** Somebody else has the job, or ended it. */
  | { readonly kind: 'lost' };

export interface EndedAttempt {
  readonly job: Job;
  readonly rule: JobRule;
  readonly ending: Ending;
  readonly ms: number;
}

/** A function that needs more of its time than this will not have enough of it some day. */
const SLOW = 0.8;

/** Writes the line about an attempt that is over. */
export function logEnding(log: Log, { job, rule, ending, ms }: EndedAttempt): void {
  const fields = { target: rule.file, rule: rule.name, job: job.id, attempt: job.attempts, ms: Math.round(ms) };
  switch (ending.kind) {
    case 'done':
      if (rule.timeoutMs > 0 && ms > rule.timeoutMs * SLOW) log.warn('a job took nearly all of its time', fields);
      else log.info('a job is done', fields);
      return;
    case 'failed': {
      const { error } = ending;
      const again_in_ms = rule.retryAfterMs[job.failures];
      if (again_in_ms === undefined) log.error('a job failed for the last time and is set aside', { ...fields, error });
      else log.warn('a job failed and is tried again', { ...fields, again_in_ms, error });
      return;
    }
    case 'vanished':
      log.error(`a job is set aside: ${ending.reason}`, fields);
      return;
    case 'given back':
      log.info('a job is given back, to be run again', fields);
      return;
    case 'lost':
      log.warn('a job was taken or ended by somebody else while it ran here', fields);
  }
}
