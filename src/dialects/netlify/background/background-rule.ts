import type { JobRule } from '../../../contract/job-rule.ts';
import type { Run } from '../call/invocation.ts';
import type { Platform } from '../call/platform.ts';
import type { Declaration } from '../find/declaration.ts';
import { JobInvocation, runJob } from './job-invocation.ts';
import { fromStoredBytes } from './stored-request.ts';

export interface RuleParts {
  readonly declaration: Declaration;
  readonly run: Run;
  /** Unless the function says otherwise; 0: no limit. */
  readonly timeoutMs: number;
  readonly platform: Platform;
}

/** As the platform does it (docs.netlify.com/functions/background-functions): twice more, after a minute and two minutes later. */
const RETRY_AFTER_MS = [60_000, 120_000];

/** How the requests that a BackgroundTarget stored are run: an attempt fails when the function throws or rejects, whatever else it returns. */
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

/** Under which the jobs of a function are stored. */
export function toRuleName(functionName: string): string {
  return `netlify/${functionName}`;
}
