import type { CacheRule } from '../../contract/cache.ts';
import { Fault } from '../../contract/fault.ts';
import type { JobRule } from '../../contract/job-rule.ts';
import type { Project } from '../../contract/project.ts';
import { Schedule } from '../../contract/schedule.ts';
import type { Target } from '../../contract/target.ts';
import { toBackgroundRule, toRuleName } from './background/background-rule.ts';
import { BackgroundTarget } from './background/background-target.ts';
import { type ScheduledRuleParts, toScheduledRule } from './background/schedule-rule.ts';
import { ScheduledTarget } from './background/scheduled-target.ts';
import { FunctionTarget } from './call/function-target.ts';
import { toCountryFinder } from './call/geo.ts';
import type { Run } from './call/invocation.ts';
import type { Platform } from './call/platform.ts';
import { REQUEST_ID } from './call/request-ulids.ts';
import { type Subscription, toEventRule } from './events/event-rule.ts';
import { toEventRun } from './events/event-run.ts';
import type { Declaration } from './find/declaration.ts';
import { findEvent, findMethods, type PlatformEvent } from './find/event-names.ts';

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
  readonly subscriptions?: readonly Subscription[];
}

/**
 * A function is either scheduled, or a background function, or called while its client waits for
 * the response.
 */
export function toEntryPoints(parts: FunctionParts): EntryPoints {
  const { schedule, background, rateLimit } = parts.declaration.config;
  const event = findEvent(parts.declaration.name);
  // Only the platform may call it: its effects may be privileged.
  if (event) return { toTarget: undefined, ...toEventEntry(parts, event, false) };
  if (schedule !== undefined) return toScheduledEntry(parts, schedule);
  const entry = background
    ? toBackgroundEntry(parts)
    : { toTarget: (route: string | undefined) => toFunctionTarget(parts, route), jobRules: [] };
  return rateLimit === 'wrong' ? { ...entry, toTarget: () => toClosedTarget(parts) } : entry;
}

/** A rule for each event that a function handles with a method of its default export, but for that of its name. `connect`: adds to each call what calls of functions have. */
export function toMethodEntries(
  parts: Omit<FunctionParts, 'run'>,
  exported: object,
  connect: (run: Run) => Run,
): readonly EventEntry[] {
  return findMethods(exported)
    .filter((event) => event.happens && event !== findEvent(parts.declaration.name))
    .map((event) => toEventEntry({ ...parts, run: connect(toEventRun(exported, event, parts.platform)) }, event, true));
}

/** Not the next hop, which may have a page with the same path: the function may need a limit, as a guard does. */
function toClosedTarget({ declaration: { file: name } }: FunctionParts): Target {
  return {
    name,
    answer() {
      throw new Fault('not_found', { message: `${name} is closed: its rateLimit is wrong` });
    },
  };
}

export interface EventEntry {
  readonly jobRules: readonly JobRule[];
  readonly subscriptions: readonly Subscription[];
}

function toEventEntry({ project, ...parts }: FunctionParts, event: PlatformEvent, isMethod: boolean): EventEntry {
  const rule = toEventRule({ ...parts, timeoutMs: project.functionLimits.backgroundMs, event, isMethod });
  return { jobRules: [rule], subscriptions: [{ event, rule: rule.name, file: rule.file }] };
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

function toFunctionTarget({ project, platform, declaration, run }: FunctionParts, route: string | undefined): Target {
  const { file: name, config } = declaration;
  const target = new FunctionTarget({ name, run, route, limits: platform.limits.of(config.timeoutMs), platform });
  return project.withCache?.(target, toCacheRule(platform)) ?? target;
}

function toCacheRule({ mockCountry, requestIds }: Platform): CacheRule {
  return {
    fields: 'all',
    names: 'netlify',
    findCountry: toCountryFinder(mockCountry),
    identify(exchange) {
      exchange.platformId = { name: REQUEST_ID, value: requestIds.of(exchange) };
    },
  };
}
