import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import { DIALECTS } from '../site/dialects.ts';
import { openProject } from '../site/project.ts';
import { openSite } from '../site/site.ts';
import { NoteLog } from './note-log.ts';
import { toJson } from './routes-json.ts';
import { toTable } from './routes-table.ts';

export interface RoutesOptions {
  /** Prints one JSON object instead of the tables. */
  readonly json?: boolean;
  readonly dialects?: readonly Dialect[];
}

/**
 * Prints who answers what in the site, and what its author should know. Resolves with the exit code: 1 when a route does not work.
 * Rejects with a SiteError when the site cannot be read.
 */
export async function routes(
  config: Config,
  out: (line: string) => void,
  { json = false, dialects = DIALECTS }: RoutesOptions = {},
): Promise<number> {
  const notes: string[] = [];
  const site = await openSite(await openProject(config, new NoteLog(notes)), dialects);
  const listing = { root: config.site, site, notes, dialects };
  for (const line of json ? [toJson(listing)] : toTable(listing)) out(line);
  return site.problems.some(({ severity }) => severity === 'error') ? 1 : 0;
}
