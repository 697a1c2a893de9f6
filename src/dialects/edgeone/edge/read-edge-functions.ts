import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Reading } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import { type FunctionFile, findFiles, type Location } from '../functions/find-files.ts';
import { mentionsHandler } from '../functions/handlers.ts';
import { type FunctionsReading, readFunctions } from '../functions/read-functions.ts';
import { isCatchAll } from '../functions/to-pattern.ts';
import { EdgeFilter } from './edge-filter.ts';
import { EdgeFunctions } from './edge-functions.ts';
import { EdgeRun } from './edge-run.ts';

const FOLDER = 'edge-functions';
const OLDER_FOLDER = 'functions';

const EXTENSIONS: ReadonlySet<string> = new Set(['.js', '.ts', '.jsx', '.tsx']);

const NONE: Reading = { routes: [], ignored: [], problems: [] };

/**
 * Reads the edge functions below `edge-functions/`, or below the older `functions/`. Their routes
 * shadow the files of the site. A filter calls them for other spellings of their paths.
 */
export async function readEdgeFunctions(project: Project, external: ReadonlySet<string>): Promise<FunctionsReading> {
  const { location, problems } = await locate(project.root);
  if (!location) return { ...NONE, problems };
  if (project.ignoresEdgeFunctions) return { ...NONE, problems: await toIgnored(project.root, location) };
  const found = await readFunctions({ project, kind: new EdgeFunctions(project), location, external });
  return {
    ...found,
    routes: [...toFilterRoutes(project, found.routes), ...found.routes],
    problems: [...problems, ...found.problems],
  };
}

interface Located {
  /** Undefined: the site has no edge functions. */
  readonly location: Location | undefined;
  readonly problems: readonly Problem[];
}

async function locate(root: string): Promise<Located> {
  const [newer, older] = await Promise.all([filesIn(root, FOLDER), findOlder(root)]);
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
async function findOlder(root: string): Promise<readonly FunctionFile[]> {
  const toml = await readFile(join(root, 'netlify.toml'), 'utf8').catch(() => '');
  if (/^\s*(?:functions|directory)\s*=\s*["'](?:\.\/)?functions\/?["']/m.test(toml)) return [];
  const { files, ignored } = await findFiles(root, toLocation(OLDER_FOLDER));
  if (ignored.some(({ file }) => /^_middleware\.\w+$/.test(basename(file)))) return [];
  const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
  return files.filter(({ segments }, index) => {
    const text = texts[index] ?? '';
    return mentionsHandler(text) || (isCatchAll(segments.at(-1)) && /\bexport\s+default\s+app\b/.test(text));
  });
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
  return [{ pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: FOLDER, about: 'calls them' }];
}
