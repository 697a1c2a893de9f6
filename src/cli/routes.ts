import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import { guardProcess } from '../process/process-guard.ts';
import { openProject } from '../site/project.ts';
import { openSite } from '../site/site.ts';
import { defineCommand } from './command.ts';
import { enterSite } from './enter-site.ts';
import { NoteLog } from './note-log.ts';
import { toListed } from './routes-listed.ts';
import { type Listing, toTable } from './routes-table.ts';

export const command = defineCommand({
  forms: ['routes [SITE]'],
  about:
    'Prints the routes of the site in the order in which they are tried, its jobs, conflicts, ignored files and problems.',
  flags: { json: { about: 'print one JSON object' } },
  examples: [
    ['nexthop routes', 'the routes of this folder'],
    ["nexthop routes my-site --json | jq '.routes[].pattern'", 'the patterns of my-site, for a script'],
  ],
  exits: { 0: 'all routes work', 1: 'a route does not work, or the site cannot be read' },
  run: ({ config, out, flags }) => {
    enterSite(config);
    return routes(config, out, { ...flags, beforeSite: (log) => guardProcess({ log, site: config.site }) });
  },
});

export interface RoutesOptions {
  /** Prints one JSON object instead of the tables. */
  readonly json?: boolean;
  readonly dialects?: readonly Dialect[];
  /** Gets what takes the notes before any code of the site is loaded. */
  readonly beforeSite?: (log: Log) => void;
}

/**
 * Prints the routes of the site and what its author should know. Resolves with the exit code: 1 if
 * a route does not work. Rejects with a SiteError if the site cannot be read.
 */
export async function routes(
  config: Config,
  out: (line: string) => void,
  { json = false, dialects, beforeSite }: RoutesOptions = {},
): Promise<number> {
  const notes: string[] = [];
  const log = new NoteLog(notes);
  beforeSite?.(log);
  const site = await openSite(await openProject(config, log), dialects);
  const listing = { root: config.site, site, notes };
  for (const line of json ? [toJson(listing)] : toTable(listing)) out(line);
  return site.problems.some(({ severity }) => severity === 'error') ? 1 : 0;
}

/**
 * The listing as JSON for scripts. `routes`: in the order in which they are tried; `methods`: "any"
 * or a list; a folder of files is one entry. `jobs`: functions that run after requests or by a
 * schedule.
 */
function toJson({ root, site, notes }: Listing): string {
  const listing = {
    site: root,
    routes: toListed(site.routes),
    jobs: site.jobRules.map(({ name, schedule, file }) => ({ name, ...(schedule && { schedule }), file })),
    conflicts: site.conflicts.map(({ first, second, methods }) => ({
      pattern: second.pattern.text,
      methods,
      first: first.file,
      second: second.file,
    })),
    ignored: site.ignored,
    problems: site.problems,
    notes,
  };
  return JSON.stringify(listing, undefined, 2);
}
