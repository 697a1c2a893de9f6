import type { JobRule } from '../../../contract/dialect.ts';
import type { RuleParts } from './background-rule.ts';
import { JobInvocation } from './job-invocation.ts';
import { toRuleName } from './rule-name.ts';
import { runJob } from './run-job.ts';
import { toScheduledRequest } from './scheduled-request.ts';

export interface ScheduledRuleParts extends RuleParts {
  /** As written. */
  readonly schedule: string;
}

/** How a function is run by the clock. The platform does not try again what failed: the next tick comes by itself. */
export function toScheduledRule({ declaration, schedule, run, timeoutMs, platform }: ScheduledRuleParts): JobRule {
  const { name, file, config } = declaration;
  const { log, site } = platform;
  const ownTimeoutMs = config.timeoutMs ?? timeoutMs;
  return {
    name: toRuleName(name),
    file,
    schedule,
    timeoutMs: ownTimeoutMs,
    retryAfterMs: [],
    run: async (attempt) => {
      const { nextRunAtMs, id: requestId } = attempt;
      const stored = toScheduledRequest({ functionName: name, siteUrl: site.url, nextRunAtMs, requestId });
      await runJob(run, new JobInvocation({ stored, attempt, timeoutMs: ownTimeoutMs, file, log }));
    },
  };
}
