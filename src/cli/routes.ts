import type { Config } from '../config/config.ts';
import { spellOrigin } from '../config/setting.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import { guardProcess } from '../process/process-guard.ts';
import { openProject } from '../site/project.ts';
import { openSite } from '../site/site.ts';
import { defineCommand } from './command.ts';
import { enterSite } from './enter-site.ts';
import { NoteLog } from './note-log.ts';
import {
  type ExplainedRequest,
  explainRequest,
  isRequestWord,
  toExplanationLines,
  toRequest,
} from './routes-explain.ts';
import { toListed } from './routes-listed.ts';
import { type Listing, toTable } from './routes-table.ts';
import { UsageError } from './usage-error.ts';

export const command = defineCommand({
  forms: ['routes [SITE]', 'routes [SITE] PATH'],
  about:
    'Prints the routes of the site in the order in which they are tried, its jobs, conflicts, ignored files and problems. With a path or a URL: which route answers that request, and why the others do not.',
  flags: {
    json: { about: 'print one JSON object' },
    method: { value: 'METHOD', about: 'with a path: the method of the request; default: GET' },
  },
  isOwnWord: isRequestWord,
  examples: [
    ['nexthop routes', 'the routes of this folder'],
    ['nexthop routes /api/users/7 --method=POST', 'which file answers POST /api/users/7'],
    ['nexthop routes my-site /about', 'the same for another site'],
  ],
  exits: { 0: 'all routes work; with a path: printed', 1: 'a route does not work, or the site cannot be read' },
  run: ({ config, out, flags: { method, json = false }, words }) => {
    if (method !== undefined && words.length === 0) throw new UsageError('--method needs a path, such as /api/x');
    const request = toRequest(words, method);
    enterSite(config);
    const beforeSite = (log: Log): void => guardProcess({ log, site: config.site });
    return routes(config, out, { json, beforeSite, ...(request && { request }) });
  },
});

export interface RoutesOptions {
  /** Prints one JSON object instead of the tables. */
  readonly json?: boolean;
  /** Explains this request instead of listing the routes. */
  readonly request?: ExplainedRequest;
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
  { json = false, request, dialects, beforeSite }: RoutesOptions = {},
): Promise<number> {
  const notes: string[] = [];
  const log = new NoteLog(notes);
  beforeSite?.(log);
  const site = await openSite(await openProject(config, log), dialects);
  if (request) {
    const explanation = explainRequest(request, { site, nextHop: spellOrigin(config.NEXT_HOP), settings: config });
    for (const line of json ? [JSON.stringify(explanation, undefined, 2)] : toExplanationLines(explanation)) out(line);
    return 0;
  }
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
    jobs: site.jobRules.map(({ name, schedule, timezone = 'UTC', file }) => ({
      ...{ name, ...(schedule && { schedule, timezone }), file },
    })),
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
