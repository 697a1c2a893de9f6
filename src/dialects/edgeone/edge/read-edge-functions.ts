import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Reading } from '../../../contract/dialect.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import { type FunctionFile, findFiles, type Location } from '../functions/find-files.ts';
import { type FunctionsReading, readFunctions } from '../functions/read-functions.ts';
import { explainLost, findLostFolder, keepFunctions } from '../lost-folders.ts';
import { EdgeFilter } from './edge-filter.ts';
import { EdgeFunctions } from './edge-functions.ts';
import { EdgeRun } from './edge-run.ts';
import { toClosedRoutes, wasCalled } from './lost-handlers.ts';
import { findOpenFolders, SENDS_ON } from './open-folders.ts';

const FOLDER = 'edge-functions';
const OLDER_FOLDER = 'functions';

const EXTENSIONS: ReadonlySet<string> = new Set(['.js', '.ts', '.jsx', '.tsx']);

const NONE: Reading = { routes: [], ignored: [], problems: [] };

/**
 * Reads the edge functions below `edge-functions/`, or below the older `functions/`. Their routes
 * shadow the files of the site. A filter calls them for other spellings of their paths.
 */
export async function readEdgeFunctions(project: Project, external: ReadonlySet<string>): Promise<FunctionsReading> {
  const { location, problems } = await locate(project);
  if (!location) return { ...NONE, ...(await closeLost(project)) };
  if (project.ignoresEdgeFunctions) return { ...NONE, problems: await toIgnored(project.root, location) };
  const found = await readFunctions({ project, kind: new EdgeFunctions(project), location, external });
  return {
    ...found,
    routes: [...toFilterRoutes(project, found.routes), ...found.routes],
    problems: [...problems, ...found.problems],
    lateProblems: await findOpenFolders(project, found.routes),
  };
}

/** Edge functions in a folder with a misspelt name may protect their paths, which answer 500. */
async function closeLost(project: Project): Promise<Pick<Reading, 'routes' | 'problems'>> {
  const lost = await findLostFolder(project.root, FOLDER, EXTENSIONS);
  if (!lost) return NONE;
  const { folder: file, files } = lost;
  const message = explainLost(lost, 'edge functions', FOLDER);
  if (project.ignoresEdgeFunctions) return { routes: [], problems: [{ severity: 'warning', file, message }] };
  const routes = files.flatMap((each) => toClosedRoutes(each, message));
  const problem: Problem = { severity: 'error', file, message: `${message}; their paths answer 500` };
  return { routes: [...toFilterRoutes(project, routes), ...routes], problems: [problem] };
}

/**
 * Cloud functions whose path an edge function of a wider pattern answers, one warning for each file. The platform asks the function of the longer path. Here the
 * edge function comes first, because it may protect the other one.
 */
export async function findCovered(
  root: string,
  edge: readonly Route[],
  others: readonly Route[],
): Promise<readonly Problem[]> {
  const problems = new Map<string, Problem>();
  for (const first of edge.filter(({ step }) => step !== 1)) {
    const covered = others.filter((other) => isCovered(other, first));
    if (covered.length === 0 || SENDS_ON.test(await readFile(join(root, first.file), 'utf8').catch(() => ''))) continue;
    for (const { file, pattern } of covered) {
      const message = `never answers ${pattern.text}: ${first.file} gets it first, and sends no request on; on the platform the longer path goes first`;
      problems.set(file, { severity: 'warning', file, message });
    }
  }
  return [...problems.values()];
}

function isCovered({ pattern, methods }: Route, { pattern: wider, methods: all }: Route): boolean {
  const { segments } = pattern;
  if (all !== 'any' && (methods === 'any' || !methods.every((method) => all.includes(method)))) return false;
  const last = wider.segments.at(-1);
  const isLengthCovered =
    last?.kind === 'catch-all' ? segments.length >= wider.segments.length : segments.length === wider.segments.length;
  // A pattern of the same shape is reported by all platforms.
  const isWider = wider.segments.some(({ kind }, index) => kind !== segments[index]?.kind);
  return isLengthCovered && isWider && wider.segments.every((segment, index) => takes(segment, segments[index]));
}

function takes(wider: PatternSegment, segment: PatternSegment | undefined): boolean {
  if (wider.kind === 'catch-all') return true;
  if (wider.kind === 'param') return segment?.kind !== 'catch-all';
  return segment?.kind === 'literal' && segment.text === wider.text;
}

interface Located {
  /** Undefined: the site has no edge functions. */
  readonly location: Location | undefined;
  readonly problems: readonly Problem[];
}

async function locate(project: Project): Promise<Located> {
  const [newer, older] = await Promise.all([filesIn(project.root, FOLDER), findOlder(project)]);
  const [first] = older;
  if (newer.length === 0) return { location: first && toLocation(OLDER_FOLDER), problems: [] };
  const message = `is not used, because ${FOLDER} is there; move its edge functions to that folder`;
  const problems = first ? [{ severity: 'warning' as const, file: OLDER_FOLDER, message }] : [];
  return { location: toLocation(FOLDER), problems };
}

function toLocation(folder: string): Location {
  return { folders: [folder], extensions: EXTENSIONS };
}

async function filesIn(root: string, folder: string): Promise<readonly FunctionFile[]> {
  return (await findFiles(root, toLocation(folder))).files;
}

/**
 * Files with handlers in the older folder. Other platforms use this name, too: Netlify if its
 * configuration names it, and Cloudflare Pages, whose projects may have a middleware there.
 */
async function findOlder(project: Project): Promise<readonly FunctionFile[]> {
  const { root } = project;
  const toml = await readFile(join(root, 'netlify.toml'), 'utf8').catch(() => '');
  if (/^\s*(?:functions|directory)\s*=\s*["'](?:\.\/)?functions\/?["']/m.test(toml)) return [];
  const { files, ignored } = await findFiles(root, toLocation(OLDER_FOLDER));
  if (ignored.some(({ file }) => /^_middleware\.\w+$/.test(basename(file)))) return [];
  const before = files.filter(({ file }) => wasCalled(project, file));
  return [...(await keepFunctions(files)), ...before];
}

const MOST_NAMES = 10;

async function toIgnored(root: string, { folders: [folder = ''] }: Location): Promise<readonly Problem[]> {
  const names = (await filesIn(root, folder)).map(({ file }) => file);
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const message = `holds edge functions that are not run, because EDGE_FUNCTIONS is "ignore": ${names.slice(0, MOST_NAMES).join(', ')}${more}`;
  return [{ severity: 'warning', file: folder, message }];
}

function toFilterRoutes(project: Project, routes: readonly Route[]): readonly Route[] {
  if (routes.length === 0) return [];
  EdgeRun.watchFetch();
  const pattern = { text: 'edge functions', segments: [{ kind: 'catch-all', name: '' }] } as const;
  const target = new EdgeFilter(project, routes);
  const guards = { kind: 'edge functions', names: routes.map(({ file }) => file) };
  return [{ pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: FOLDER, about: 'calls them', guards }];
}
