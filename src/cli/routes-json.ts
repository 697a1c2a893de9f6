import { toListed } from './routes-listed.ts';
import type { Listing } from './routes-table.ts';

/** The listing as JSON, for scripts: `routes` in the order in which they are asked; `methods` "any" or a list; one entry for a folder of files. `jobs`: what runs behind requests, and by the clock. */
export function toJson({ root, site, notes }: Listing): string {
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
