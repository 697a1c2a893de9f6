import type { JobRule } from '../../contract/job-rule.ts';
import type { Project } from '../../contract/project.ts';
import { Schedule } from '../../contract/schedule.ts';
import type { Target } from '../../contract/target.ts';
import { toBackgroundRule, toRuleName } from './background/background-rule.ts';
import { BackgroundTarget } from './background/background-target.ts';
import { type ScheduledRuleParts, toScheduledRule } from './background/schedule-rule.ts';
import { ScheduledTarget } from './background/scheduled-target.ts';
import { FunctionTarget } from './call/function-target.ts';
import type { Run } from './call/invocation.ts';
import type { Platform } from './call/platform.ts';
import type { Declaration } from './find/declaration.ts';

export interface FunctionParts {
  readonly project: Project;
  readonly platform: Platform;
  readonly declaration: Declaration;
  readonly run: Run;
}

/** How a function is reached. */
export interface Reach {
  /** Makes what answers under a pattern, undefined for the default URL. Undefined where nobody reaches it by URL. */
  readonly toTarget: ((route: string | undefined) => Target) | undefined;
  readonly jobRules: readonly JobRule[];
}

/** By the clock alone, as a job, or by a client who waits for the answer. */
export function toReach(parts: FunctionParts): Reach {
  const { schedule, background } = parts.declaration.config;
  if (schedule !== undefined) return byClock(parts, schedule);
  return background ? asJob(parts) : { toTarget: (route) => waitedFor(parts, route), jobRules: [] };
}

function byClock({ project, platform, declaration, run }: FunctionParts, schedule: string): Reach {
  const rule: ScheduledRuleParts = {
    declaration,
    run,
    timeoutMs: project.functionLimits.scheduledMs,
    platform,
    schedule,
  };
  // In production, as on the platform, nobody calls it but the clock.
  return { toTarget: project.dev ? () => toScheduledTarget(rule) : undefined, jobRules: [toScheduledRule(rule)] };
}

function toScheduledTarget(rule: ScheduledRuleParts): Target {
  const clock = new Schedule(rule.schedule);
  return new ScheduledTarget({ ...rule, nextRunAtMs: () => clock.nextAfter(Date.now()) });
}

function asJob({ project, platform, declaration, run }: FunctionParts): Reach {
  const { name, file } = declaration;
  const { functionLimits, jobs } = project;
  const { backgroundBodyBytes: bodyLimitBytes, backgroundMs: timeoutMs } = functionLimits;
  const rule = toRuleName(name);
  return {
    toTarget: (route) => new BackgroundTarget({ name: file, rule, jobs, bodyLimitBytes, route, platform }),
    jobRules: [toBackgroundRule({ declaration, run, timeoutMs, platform })],
  };
}

function waitedFor({ platform, declaration, run }: FunctionParts, route: string | undefined): Target {
  const { file: name, config } = declaration;
  return new FunctionTarget({ name, run, route, limits: platform.limits.of(config.timeoutMs), platform });
}
