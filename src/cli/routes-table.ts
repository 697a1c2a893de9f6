import type { JobRule } from '../contract/job-rule.ts';
import { type Problem, toLocation } from '../contract/problem.ts';
import { type Conflict, countRoutes, type Route } from '../contract/route.ts';
import type { Site } from '../site/site.ts';
import { align, inOneLine } from './align.ts';
import { spellCounts, spellSchedule, toListed } from './routes-listed.ts';

/** The data that `routes` prints. */
export interface Listing {
  /** Absolute path of the site. */
  readonly root: string;
  readonly site: Site;
  /** Log lines of the reading. */
  readonly notes: readonly string[];
}

/** The listing for people, line by line, without empty parts. */
export function toTable({ root, site, notes }: Listing): readonly string[] {
  return [
    ...toRouteLines({ root, site }),
    ...part('jobs', site.jobRules.map(jobRow)),
    // A mistake is one of the problems.
    ...part('conflicts', site.conflicts.filter(({ isMistake }) => !isMistake).map(conflictRow)),
    ...part(
      'ignored',
      site.ignored.map(({ file, reason }) => [file, reason]),
    ),
    ...part('problems', site.problems.map(problemRow)),
    ...part(
      'notes',
      notes.map((note) => [note]),
    ),
  ];
}

/** The part of the listing that has the routes. */
export function toRouteLines({ root, site }: Pick<Listing, 'root' | 'site'>): readonly string[] {
  return [
    `site ${inOneLine(root)}${site.routes.length > 0 ? `, ${spellCounts(countRoutes(site.routes))}` : ''}`,
    ...(site.routes.length > 0 ? part('routes', routeRows(site.routes)) : noRoutes(site)),
  ];
}

function routeRows(routes: readonly Route[]): readonly (readonly string[])[] {
  const listed = toListed(routes);
  const last = listed.some(({ about }) => about !== undefined) ? ['about'] : [];
  return [
    ['order', 'methods', 'pattern', 'file', 'dialect', ...last],
    ...listed.map(({ methods, pattern, file, files, dialect, about = '' }, index) => [
      String(index + 1),
      spell(methods),
      files === undefined ? pattern : spellCount(files),
      files === undefined ? file : `${file}/`,
      dialect,
      ...last.map(() => about),
    ]),
  ];
}

function spellCount(files: number): string {
  return files === 1 ? '1 file' : `${files} files`;
}

function spell(methods: Route['methods']): string {
  return methods === 'any' ? 'any' : methods.join(',');
}

function noRoutes({ searched }: Site): readonly string[] {
  return ['', 'no routes: every request goes to the next hop', ...part('looked for', searched)];
}

function jobRow(rule: JobRule): readonly string[] {
  return [rule.name, spellSchedule(rule), rule.file];
}

function conflictRow({ first, second, methods }: Conflict): readonly string[] {
  const requests = methods === 'any' ? second.pattern.text : `${spell(methods)} ${second.pattern.text}`;
  return [requests, `${second.file} serves only requests that ${first.file} passes on`];
}

function problemRow(problem: Problem): readonly string[] {
  return [`${toLocation(problem)} ${problem.severity}: ${problem.message}`];
}

function part(title: string, rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length > 0 ? ['', title, ...align(rows)] : [];
}
