import type { JobRule } from '../contract/job-rule.ts';
import { countFiles, type Route, type RouteCounts } from '../contract/route.ts';

/** One line of the listing: a route, or all files of a folder. */
export interface ListedRoute {
  readonly methods: Route['methods'];
  readonly pattern: string;
  readonly file: string;
  readonly dialect: string;
  readonly step: Route['step'];
  /** A short description of the route. */
  readonly about?: string;
  /** The number of files in a folder. */
  readonly files?: number;
}

/**
 * The routes for the listing, in the order in which they are tried. All files of a folder are one
 * entry, in the position of the first.
 */
export function toListed(routes: readonly Route[]): readonly ListedRoute[] {
  const byFolder = Map.groupBy(routes, ({ folder }) => folder);
  const listed: ListedRoute[] = [];
  for (const route of routes) {
    const { folder } = route;
    const siblings = byFolder.get(folder) ?? [];
    if (folder === undefined) listed.push({ ...describe(route), pattern: route.pattern.text, file: route.file });
    else if (siblings[0] === route) listed.push({ ...describe(route), ...describeFolder(folder, siblings) });
  }
  return listed;
}

/** `3 routes, 2 files`. */
export function spellCounts({ routes, files }: RouteCounts): string {
  const spelt = routes === 1 ? '1 route' : `${routes} routes`;
  return files === 0 ? spelt : `${spelt}, ${files === 1 ? '1 file' : `${files} files`}`;
}

/** When jobs of a rule run, e.g. `0 3 * * * UTC`. */
export function spellSchedule({ schedule, timezone = 'UTC' }: Pick<JobRule, 'schedule' | 'timezone'>): string {
  return schedule === undefined ? 'on request' : `${schedule} ${timezone}`;
}

function describe({
  methods,
  dialect,
  step,
  about,
  afterFallback,
}: Route): Omit<ListedRoute, 'pattern' | 'file' | 'files'> {
  const words = [about, afterFallback && 'after the next hop'].filter(Boolean).join(', ');
  return { methods, dialect, step, ...(words && { about: words }) };
}

/** A file may have several paths. */
function describeFolder(folder: string, routes: readonly Route[]): Pick<ListedRoute, 'pattern' | 'file' | 'files'> {
  return { pattern: `${routes[0]?.base ?? ''}/*`, file: folder, files: countFiles(routes) };
}
