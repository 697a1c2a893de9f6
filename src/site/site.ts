import type { Dialect, FileFolder, IgnoredFile, Reading } from '../contract/dialect.ts';
import type { JobRule } from '../contract/job-rule.ts';
import { mergeProblems, nameStopped, type Problem } from '../contract/problem.ts';
import { type Project, withCode } from '../contract/project.ts';
import type { Conflict, Route, Router } from '../contract/route.ts';
import { SiteLimits } from '../limits/site-limits.ts';
import { findConflicts, toConflictProblem } from '../routing/conflict.ts';
import { inOrder } from '../routing/order.ts';
import { createRouter } from '../routing/router.ts';
import { LOOKS_FOR } from '../static/find-folder.ts';
import { FoundFiles } from '../static/found-files.ts';
import { readFiles } from '../static/read-files.ts';
import { DIALECTS } from './dialects.ts';
import { requireFolder } from './folder.ts';
import { OwnRequests } from './own-requests.ts';
import type { RouteSource } from './route-calls.ts';

/** The routes of a project, and the reports for its author. */
export interface Site extends RouteSource {
  /** In the order in which they are tried. */
  readonly routes: readonly Route[];
  /** Finds routes that are no filters. */
  readonly router: Router;
  /** A rule or a page of the site answers every request that no other route answers, so none reaches the fallback. */
  readonly answersAll: boolean;
  /** Those that are mistakes are in `problems`, too. */
  readonly conflicts: readonly Conflict[];
  /** For each platform, and for files: the locations in which routes are searched. */
  readonly searched: readonly (readonly [name: string, locations: string])[];
  /** Their names are unique. */
  readonly jobRules: readonly JobRule[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** Called each time when the site comes into use. Never rejects. */
  announce(): Promise<void>;
}

/** Reads the project with every dialect, then its files. Throws a SiteError when the folder cannot be read, and the errors of dialects, which are defects of nexthop. */
export async function openSite(project: Project, dialects: readonly Dialect[] = DIALECTS): Promise<Site> {
  await requireFolder(project.root);
  const files = new FoundFiles();
  // For what dialects look up when requests come: nothing is found before the whole project is read.
  let found: (RouteSource & { readonly router: Router }) | undefined;
  const siteRoutes: Router = { find: (method, target, host) => found?.router.find(method, target, host) ?? [] };
  const siteRequests = new OwnRequests(() => found);
  const parts = { ...project, files, siteRoutes, siteRequests };
  const readings = await Promise.all(dialects.map((dialect) => dialect.read(parts)));
  const folders = namedFolders(readings);
  const ofFiles = await readFiles(project, folders, files);
  // Without the settings of a platform, advice about the folder of files would be wrong.
  const hasAdvice = folders !== undefined || !readings.some(({ lacksSettings }) => lacksSettings);
  readings.push(hasAdvice ? ofFiles : { ...ofFiles, problems: [] });
  const ofPages = await Promise.all(readings.map(({ readPages }) => readPages?.()));
  for (const each of ofPages) if (each) readings.push({ ...each, ignored: [] });

  const routes = inOrder(readings.flatMap((reading) => reading.routes)).map((route) => withCode(route, project));
  const filters = routes.filter(({ step }) => step === 1);
  const others = routes.slice(filters.length);
  const router = createRouter(others);
  const candidates: RouteSource['candidates'] = ({ request, target }) =>
    router.find(request.method, target, request.host ?? '');
  found = { filters, candidates, router };
  const limits = toSiteLimits(project, readings);
  const { rules, problems } = toJobRules(readings, project);
  const conflicts = findConflicts(others);
  const owners = readings.flatMap(({ answersAll }) => (answersAll ? [answersAll] : []));
  return {
    filters,
    candidates,
    router,
    limits,
    routes,
    answersAll: owners.length > 0,
    conflicts,
    searched: [...dialects.map(({ name, looksFor }) => [name, looksFor] as const), ['files', LOOKS_FOR]],
    jobRules: rules,
    ignored: readings.flatMap((reading) => reading.ignored),
    problems: mergeProblems([
      ...(project.problems ?? []),
      ...readings.flatMap((reading) => reading.problems),
      ...readings.flatMap((reading) => reading.lateProblems?.() ?? []),
      ...problems,
      ...conflicts.filter(({ isMistake }) => isMistake).map(toConflictProblem),
      ...(project.hasNextHop ? owners.map(toOwnerProblem) : []),
    ]).map(nameStopped),
    async announce() {
      await Promise.all(readings.map((reading) => reading.announce?.()));
    },
  };
}

/** Undefined if nothing has a limit, or no requests are answered. Requests of the site to itself (`found`) have none. */
function toSiteLimits({ rateLimits }: Project, readings: readonly Reading[]): SiteLimits | undefined {
  const finders = readings.flatMap(({ findLimits }) => (findLimits ? [findLimits] : []));
  const hasLimits =
    finders.length > 0 || readings.some(({ routes }) => routes.some(({ limit }) => limit !== undefined));
  return rateLimits && (rateLimits.siteRule || hasLimits) ? new SiteLimits(rateLimits, finders) : undefined;
}

/** Undefined if no dialect names the folders of files. */
function namedFolders(readings: readonly Reading[]): readonly FileFolder[] | undefined {
  const named = readings.flatMap(({ fileFolders }) => (fileFolders ? [fileFolders] : []));
  return named.length > 0 ? named.flat() : undefined;
}

function toOwnerProblem(owner: NonNullable<Reading['answersAll']>): Problem {
  const message = 'answers every request that no other route of the site answers: none reaches the next hop';
  return { severity: 'warning', ...owner, message };
}

interface JobRules {
  /** Their names are unique. */
  readonly rules: readonly JobRule[];
  /** One for each rule that is not used. */
  readonly problems: readonly Problem[];
}

/** The rules of all readings. A stored job has only the name of its rule, so of two rules with the same name the first is used. */
function toJobRules(readings: readonly Reading[], project: Project): JobRules {
  const rules = new Map<string, JobRule>();
  const problems: Problem[] = [];
  for (const rule of readings.flatMap(({ jobRules = [] }) => jobRules).map((each) => withCode(each, project))) {
    const first = rules.get(rule.name);
    if (first) problems.push(toProblem(first, rule));
    else rules.set(rule.name, rule);
  }
  return { rules: [...rules.values()], problems };
}

function toProblem(first: JobRule, { file, name }: JobRule): Problem {
  const message = `its jobs are called ${name}, as those of ${first.file} are, which run instead; give one of the two another name`;
  return { severity: 'error', file, message };
}
