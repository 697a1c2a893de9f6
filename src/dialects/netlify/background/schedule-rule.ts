import type { JobRule } from '../../../contract/job-rule.ts';
import { type RuleParts, toRuleName } from './background-rule.ts';
import { JobInvocation, runJob } from './job-invocation.ts';
import { type StoredRequest, toPlatformRequest } from './stored-request.ts';

export interface ScheduledRuleParts extends RuleParts {
  /** As written in the settings. */
  readonly schedule: string;
}

/**
 * The rule that runs a function by its schedule. A failed run is not retried, as on the platform:
 * the next scheduled run follows anyway.
 */
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

export interface ScheduledRequestParts {
  readonly functionName: string;
  /** `URL` of the site; if undefined, the request is for http://localhost. */
  readonly siteUrl: string | undefined;
  /** The next run, in milliseconds since the epoch; undefined if there is none. */
  readonly nextRunAtMs: number | undefined;
  readonly requestId: string;
}

/**
 * The request with which the platform's scheduler calls a function
 * (docs.netlify.com/functions/scheduled-functions).
 */
export function toScheduledRequest(parts: ScheduledRequestParts): StoredRequest {
  const { nextRunAtMs, ...others } = parts;
  const next_run = nextRunAtMs === undefined ? null : new Date(nextRunAtMs).toISOString();
  return toPlatformRequest({
    ...others,
    headers: ['user-agent', 'Netlify Clockwork', 'x-nf-event', 'schedule'],
    body: Buffer.from(JSON.stringify({ next_run })),
  });
}
