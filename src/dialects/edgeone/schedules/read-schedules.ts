import type { Reading } from '../../../contract/dialect.ts';
import type { JobAttempt, JobRule } from '../../../contract/job-rule.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { EdgeOneJson } from '../config/check-edgeone-json.ts';
import type { ScheduleEntry } from '../config/check-schedules.ts';

/** A failed run is tried once more. */
const RETRY_AFTER_MS: readonly number[] = [60_000];

/** Rules that send a request to the site at the times of each schedule. `file`: with the schedules. */
export function readSchedules(project: Project, { schedules }: EdgeOneJson, file: string): Reading {
  return {
    routes: [],
    ignored: [],
    problems: [],
    jobRules: schedules.map((entry) => toRule(project, entry, file)),
    lateProblems: () => schedules.flatMap((entry) => findTargetProblem(project, entry, file)),
  };
}

function toRule(project: Project, entry: ScheduleEntry, file: string): JobRule {
  return {
    name: `edgeone/${entry.name}`,
    file,
    schedule: entry.cron,
    timezone: entry.timezone,
    timeoutMs: entry.timeoutMs ?? project.functionLimits.backgroundMs,
    retryAfterMs: RETRY_AFTER_MS,
    run: (attempt) => run(project, entry, attempt),
  };
}

async function run(project: Project, entry: ScheduleEntry, { id, payload: tick, signal }: JobAttempt): Promise<void> {
  const { name, path: target, payload } = entry;
  if (!project.ownCalls) throw new Error('no server of this process answers requests');
  const { tickMs } = JSON.parse(new TextDecoder().decode(tick)) as { tickMs: number }; // the clock wrote it
  const method = methodOf(project, entry);
  const status = await project.ownCalls.send({
    method,
    target,
    host: hostOf(project),
    headers: [
      ...['User-Agent', 'edgeone-schedule', 'Accept', '*/*'],
      // All log lines of the run have the id of the job.
      ...['X-Request-Id', id],
      // A header holds latin1; a name may be any text.
      ...['X-EdgeOne-Schedule', encodeURI(name), 'X-EdgeOne-Schedule-Time', new Date(tickMs).toISOString()],
      ...(payload === undefined ? [] : ['Content-Type', 'application/json']),
    ],
    content: new TextEncoder().encode(payload === undefined ? '' : JSON.stringify(payload)),
    signal,
  });
  if (status >= 500) throw new Error(`${method} ${target} answered ${status}`);
}

function methodOf({ siteRoutes }: Project, { method, path }: ScheduleEntry): string {
  if (method !== undefined || !siteRoutes) return method ?? 'POST';
  const isGetOnly = siteRoutes.find('POST', path).length === 0 && siteRoutes.find('GET', path).length > 0;
  return isGetOnly ? 'GET' : 'POST';
}

function hostOf({ env }: Project): string {
  return URL.parse(env.SITE_URL ?? '')?.host || 'localhost';
}

function findTargetProblem(project: Project, entry: ScheduleEntry, file: string): readonly Problem[] {
  const { path, line } = entry;
  const method = methodOf(project, entry);
  if (project.siteRoutes?.find(method, path).length !== 0) return [];
  const place = { file, ...(line !== undefined && { line }) };
  const what = `the schedule ${JSON.stringify(entry.name)} calls ${method} ${path}, which no function of the site answers`;
  if (project.hasNextHop)
    return [{ severity: 'warning', ...place, message: `${what}; the next hop gets its requests` }];
  return [{ severity: 'error', ...place, message: `${what}, and NEXT_HOP is not set` }];
}
