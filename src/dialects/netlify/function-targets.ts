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

/** The entry points of one function. */
export interface EntryPoints {
  /**
   * Creates the target for a pattern, or for the default URL if `route` is undefined. Undefined if
   * the function has no URL.
   */
  readonly toTarget: ((route: string | undefined) => Target) | undefined;
  readonly jobRules: readonly JobRule[];
}

/**
 * A function is either scheduled, or a background function, or called while its client waits for
 * the response.
 */
export function toEntryPoints(parts: FunctionParts): EntryPoints {
  const { schedule, background } = parts.declaration.config;
  if (schedule !== undefined) return toScheduledEntry(parts, schedule);
  return background ? toBackgroundEntry(parts) : { toTarget: (route) => toFunctionTarget(parts, route), jobRules: [] };
}

function toScheduledEntry({ project, platform, declaration, run }: FunctionParts, schedule: string): EntryPoints {
  const rule: ScheduledRuleParts = {
    declaration,
    run,
    timeoutMs: project.functionLimits.scheduledMs,
    platform,
    schedule,
  };
  // In production a scheduled function has no URL, as on the platform.
  return { toTarget: project.dev ? () => toScheduledTarget(rule) : undefined, jobRules: [toScheduledRule(rule)] };
}

function toScheduledTarget(rule: ScheduledRuleParts): Target {
  const schedule = new Schedule(rule.schedule);
  return new ScheduledTarget({ ...rule, nextRunAtMs: () => schedule.nextAfter(Date.now()) });
}

function toBackgroundEntry({ project, platform, declaration, run }: FunctionParts): EntryPoints {
  const { name, file } = declaration;
  const { functionLimits, jobs } = project;
  const { backgroundBodyBytes: bodyLimitBytes, backgroundMs: timeoutMs } = functionLimits;
  const rule = toRuleName(name);
  return {
    toTarget: (route) => new BackgroundTarget({ name: file, rule, jobs, bodyLimitBytes, route, platform }),
    jobRules: [toBackgroundRule({ declaration, run, timeoutMs, platform })],
  };
}

function toFunctionTarget({ platform, declaration, run }: FunctionParts, route: string | undefined): Target {
  const { file: name, config } = declaration;
  return new FunctionTarget({ name, run, route, limits: platform.limits.of(config.timeoutMs), platform });
}
