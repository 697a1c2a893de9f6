import type { JobRule } from '../contract/job-rule.ts';
import type { Log } from '../contract/log.ts';
import type { Job } from '../contract/store.ts';

/** How an attempt at a job ended. */
export type Ending =
  | { readonly kind: 'done' }
  /** `error` is what the function threw. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The function was not called, because the process died too often during earlier attempts. */
  | { readonly kind: 'vanished'; readonly reason: string }
  /** The process is ending. */
  | { readonly kind: 'given back' }
  /** Another process has claimed the job or removed it. */
  | { readonly kind: 'lost' };

/** `outcome`: the kind of the ending. */
export type EndListener = (rule: string, outcome: Ending['kind']) => void;

export interface EndedAttempt {
  /** The process ends after the attempts that are due: a command or a test, which has no later ones. */
  readonly isOnce: boolean;
  readonly job: Job;
  readonly rule: JobRule;
  readonly ending: Ending;
  readonly ms: number;
}

/** A function that needs a larger share of its timeout than this is likely to exceed it one day. */
const SLOW_SHARE = 0.8;

/** Logs one line about an attempt that has ended. */
export function logEnding(log: Log, { job, rule, ending, ms, isOnce }: EndedAttempt): void {
  const details = { target: rule.file, rule: rule.name, job: job.id, attempt: job.attempts, ms: Math.round(ms) };
  switch (ending.kind) {
    case 'done':
      if (rule.timeoutMs > 0 && ms > rule.timeoutMs * SLOW_SHARE)
        log.warn('a job needed nearly all of its timeout; raise it, or split the job', details);
      else log.info('a job is done', details);
      return;
    case 'failed': {
      const { error } = ending;
      const again_in_ms = rule.retryAfterMs[job.failures];
      if (isOnce) log.warn(`a job failed; ${toServerText(again_in_ms)}`, { ...details, error });
      else if (again_in_ms === undefined)
        log.error('a job failed for the last time and is set aside; nexthop jobs retries or drops it', {
          ...details,
          error,
        });
      else log.warn('a job failed and is tried again', { ...details, again_in_ms, error });
      return;
    }
    case 'vanished':
      log.error(`a job is set aside: ${ending.reason}`, details);
      return;
    case 'given back':
      log.info('a job is given back, to be run again', details);
      return;
    case 'lost':
      log.warn(
        'another process claimed or removed a job while it ran here: it was dropped, or its lease ended while this process or the store stood still',
        details,
      );
  }
}

/** What a server does after the same failure. */
function toServerText(again_in_ms: number | undefined): string {
  if (again_in_ms === undefined) return 'a server would set it aside, without another attempt';
  return `a server would try it again in ${Math.round(again_in_ms / 1000)} s`;
}
