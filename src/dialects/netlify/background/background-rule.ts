import type { JobRule } from '../../../contract/job-rule.ts';
import type { Run } from '../call/invocation.ts';
import type { Platform } from '../call/platform.ts';
import type { Declaration } from '../find/declaration.ts';
import { JobInvocation, runJob } from './job-invocation.ts';
import { fromStoredBytes } from './stored-request.ts';

export interface RuleParts {
  readonly declaration: Declaration;
  readonly run: Run;
  /** Milliseconds, unless the function's own settings have a timeout; 0: no limit. */
  readonly timeoutMs: number;
  readonly platform: Platform;
}

/**
 * Two retries, as on the platform: after one minute, then after two more minutes
 * (docs.netlify.com/functions/background-functions).
 */
export const RETRY_AFTER_MS = [60_000, 120_000];

/**
 * The rule that runs the requests stored by a BackgroundTarget. An attempt fails if the function
 * throws or rejects. Its return value is ignored.
 */
export function toBackgroundRule({ declaration, run, timeoutMs, platform }: RuleParts): JobRule {
  const { name, file, config } = declaration;
  const ownTimeoutMs = config.timeoutMs ?? timeoutMs;
  return {
    name: toRuleName(name),
    file,
    timeoutMs: ownTimeoutMs,
    retryAfterMs: RETRY_AFTER_MS,
    run: async (attempt) => {
      const stored = fromStoredBytes(attempt.payload);
      await runJob(run, new JobInvocation({ stored, attempt, timeoutMs: ownTimeoutMs, file, log: platform.log }));
    },
  };
}

/** The name under which the jobs of a function are stored. */
export function toRuleName(functionName: string): string {
  return `netlify/${functionName}`;
}
