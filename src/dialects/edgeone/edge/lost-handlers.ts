import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reading } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import { isImported } from '../../loader/near-paths.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import type { FunctionFile } from '../functions/find-files.ts';
import type { FileLooks } from '../functions/function-kind.ts';
import { withoutComments } from '../functions/member-reads.ts';
import { isCatchAll, toAppPatterns, toPattern } from '../functions/to-pattern.ts';

const MESSAGE = 'exports no handler function and no app';

/**
 * Closes the path of each file of edge functions that has most likely lost its handlers, e.g. an emptied one: it may have protected the path. The same
 * file has the same effect at a start and at a reload, but for one that was called until the reload: it is closed, whatever it is now.
 */
export async function closeLostHandlers(
  project: Project,
  { entries, helpers, looks, reached }: FileLooks,
): Promise<Pick<Reading, 'routes' | 'problems'>> {
  const texts = await Promise.all(helpers.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
  const another = entries.length === 0 ? texts.findIndex(isOfAnother) : -1;
  // `functions/` is a folder of many platforms, also beside files of EdgeOne.
  const isOlder = helpers[another]?.file.startsWith('functions/') ?? false;
  const isOther = another >= 0 && (isOlder || !(await isOfEdgeOne(project.root)));
  const known = new Set(entries.map(({ segments }) => segments.join('/')));
  const routes: Route[] = [];
  const problems: Problem[] = [];
  const [first] = isOther && !isOlder && !(await isOfNetlify(project.root)) ? helpers.slice(another) : [];
  if (first)
    problems.push({ severity: 'warning', file: first.file, message: `${MESSAGE} of EdgeOne: it is never called` });
  for (const [index, file] of helpers.entries()) {
    const text = withoutComments(texts[index] ?? '').trim();
    const names = looks.get(file.path)?.names ?? new Set();
    const isReached = async (): Promise<boolean> =>
      reached.has(file.path) || (await isImported(project.root, file.file));
    const isLost =
      wasCalled(project, file.file) ||
      (!isOther && (isRoute(file, text) || !(isOfTypes(text, names) || (await isReached()))));
    if (!isLost || known.has(file.segments.join('/'))) continue;
    const found = toClosedRoutes(file, MESSAGE);
    routes.push(...found);
    if (found.length > 0) problems.push(toProblem(project, file.file, names));
  }
  return { routes, problems };
}

/** Routes that answer 500 in the place of an edge function; of a catch-all, also in its bare folder, as an app does. */
export function toClosedRoutes({ file, segments }: FunctionFile, message: string): readonly Route[] {
  const pattern = toPattern(segments);
  if (typeof pattern === 'string') return [];
  const target = new UnreadyTarget(file, new Error(`${file} ${message}`));
  const patterns = isCatchAll(segments.at(-1)) ? toAppPatterns(pattern) : [pattern];
  return patterns.map((each) => ({ pattern: each, methods: 'any', target, step: 2, dialect: 'edgeone', file }));
}

/** Notes that a file has an edge function, for later readings of the site. */
export function noteCalled({ warmCode }: Pick<Project, 'warmCode'>, file: string): void {
  warmCode?.keep(toKey(file), CALLED);
}

const CALLED = {};

/** Whether a file had an edge function in an earlier reading. */
export function wasCalled({ warmCode }: Pick<Project, 'warmCode'>, file: string): boolean {
  return warmCode?.find(toKey(file)) !== undefined;
}

function toKey(file: string): string {
  return `edge function of EdgeOne: ${file}`;
}

/** No helper is empty or has the name of a parameter. */
function isRoute({ segments }: FunctionFile, text: string): boolean {
  return text === '' || segments.some((segment) => segment.startsWith('['));
}

/** The compiler removes all of it. */
function isOfTypes(text: string, names: ReadonlySet<string>): boolean {
  return names.size === 0 && TYPES.test(text);
}

const TYPES = /\bexport\s+(?:declare\s+)?(?:type|interface|namespace|abstract)\b|\bexport\s*\{\s*type\b|\bexport\s*\*/;

/** Other platforms have folders of this name, too. */
function isOfAnother(text: string): boolean {
  return /\bexport\s+default\b|\bhandler\b|\bmodule\.exports\b|\bserve\s*\(|\baddEventListener\s*\(|\bhttps\.onRequest\b/.test(
    text,
  );
}

/** Netlify gives its folder of edge functions any name. */
async function isOfNetlify(root: string): Promise<boolean> {
  return /edge-functions/.test(await readFile(join(root, 'netlify.toml'), 'utf8').catch(() => ''));
}

const SIGNS = ['edgeone.json', 'edgeone.config.ts', 'edgeone.config.js', 'cloud-functions', 'node-functions', 'agents'];

async function isOfEdgeOne(root: string): Promise<boolean> {
  const found = await Promise.all(SIGNS.map((sign) => stat(join(root, sign)).catch(() => undefined)));
  return found.some((each) => each !== undefined);
}

/** A file with other exports may be a helper that is not used any more: its path is closed, and nothing else lacks. */
function toProblem(project: Project, file: string, names: ReadonlySet<string>): Problem {
  const isUnused = names.size > 0 && !names.has('default') && !wasCalled(project, file);
  const end = isUnused ? ', because no code imports it; if it is a helper, begin its name with "_"' : '';
  return { severity: isUnused ? 'warning' : 'error', file, message: `${MESSAGE}: its path answers 500${end}` };
}
