import type { Config } from '../config/config.ts';
import { Schedule } from '../contract/schedule.ts';
import { openProject } from '../site/project.ts';
import { openSite } from '../site/site.ts';
import { align } from './align.ts';
import type { JobsCall } from './jobs-call.ts';
import { NoteLog } from './note-log.ts';

/**
 * Prints the scheduled functions of the site, the next one first. Reads the code of the site, and no store. Rejects with a SiteError if the site cannot
 * be read.
 */
export async function listSchedules(
  config: Config,
  out: (line: string) => void,
  { json = false }: Pick<JobsCall, 'json'>,
): Promise<number> {
  const site = await openSite(await openProject(config, new NoteLog([])));
  const now = Date.now();
  const schedules = site.jobRules
    .flatMap(({ name, schedule, timezone = 'UTC', file }) => {
      if (schedule === undefined) return [];
      return [{ name, schedule, timezone, nextAtMs: new Schedule(schedule, timezone).nextAfter(now), file }];
    })
    .sort((a, b) => (a.nextAtMs ?? Number.POSITIVE_INFINITY) - (b.nextAtMs ?? Number.POSITIVE_INFINITY));
  const rows = schedules.map(({ nextAtMs, ...rest }) => ({
    ...rest,
    next: nextAtMs === undefined ? 'never' : new Date(nextAtMs).toISOString(),
  }));
  if (json) out(JSON.stringify({ schedules: rows }, undefined, 2));
  else if (rows.length === 0) out('the site has no schedules');
  else {
    const table = rows.map(({ next, name, schedule, timezone, file }) => [next, name, schedule, timezone, file]);
    for (const line of align([['next run', 'name', 'schedule', 'time zone', 'file'], ...table])) out(line);
  }
  return 0;
}
