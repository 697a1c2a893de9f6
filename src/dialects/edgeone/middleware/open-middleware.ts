import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { didYouMean, logProblems, mergeProblems, type Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Target } from '../../../contract/target.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { compile, type Exports, type Loaded } from '../../loader/compile.ts';
import { survey } from '../../loader/survey.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import { locateName } from '../locate-name.ts';
import type { MiddlewareContext } from './middleware-context.ts';
import { MiddlewareFilter } from './middleware-filter.ts';
import { toMatcher } from './middleware-matcher.ts';

export interface OpenedMiddleware {
  /** Undefined for a site without one. */
  readonly filter: Target | undefined;
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

const NONE: OpenedMiddleware = { filter: undefined, ignored: [], problems: [] };

/**
 * Finds and loads the site's middleware. Never throws for what stands in it. One that does not load answers 500 for every request, as a function that does not load does:
 * it may be the site's guard, and nobody knows for which paths.
 */
export async function openMiddleware(project: Project): Promise<OpenedMiddleware> {
  const [file, ...others] = await findFiles(project.root);
  if (file === undefined) return NONE;
  const ignored = others.map((other) => ({ file: other, reason: `${file} is the middleware` }));
  const opened = await open(project, file);
  return { ...opened, ignored: [...opened.ignored, ...ignored] };
}

/** In the order in which they are taken. */
const FILES = ['middleware.js', 'middleware.ts', 'src/middleware.js', 'src/middleware.ts'];

async function findFiles(root: string): Promise<readonly string[]> {
  const found = await Promise.all(FILES.map((file) => isFile(join(root, file))));
  return FILES.filter((_, index) => found[index]);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    // One that cannot be looked at may be there all the same; reading it will tell.
    return !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'));
  }
}

/** All that can be told of a file that does not compile. */
const NAMED =
  /\bexport\s+(?:async\s+)?(?:function|const|let|var)\s+(?:middleware|proxy)\b|\bexport\s*\{[^}]*\b(?:middleware|proxy)\b|\bexports\.(?:middleware|proxy)\b/;

/** One that cannot be read counts as a middleware. */
const UNREADABLE = 'export const middleware';

const OF_NEXT = /["']next(?:\/[\w-]+)*["']/;

interface Found {
  readonly text: string;
  /** Exports it by name. Else only what its default export is, once it is loaded, tells. */
  readonly isSure: boolean;
  readonly hasDefault: boolean;
}

/** Other frameworks have files of this name too, which are no business of the platform's. Undefined for a middleware. */
function reasonToIgnore({ text, isSure, hasDefault }: Found): string | undefined {
  if (OF_NEXT.test(text)) return 'a middleware of Next.js, which runs it itself';
  return isSure || (hasDefault && /\bmiddleware\b/.test(text)) ? undefined : NO_MIDDLEWARE;
}

const NO_MIDDLEWARE = 'exports no middleware';

interface SourceFile {
  readonly file: string;
  readonly text: string;
}

/** A warning for each name that is near to the known one and is therefore not used: a guard that is never called guards nothing. */
function misspeltIn(names: Iterable<string>, known: readonly string[], { file, text }: SourceFile): readonly Problem[] {
  return [...names].flatMap((name): Problem[] => {
    const nearest = known.includes(name) ? '' : didYouMean(name, known);
    if (nearest === '') return [];
    return [{ severity: 'warning', file, ...locateName(name, text), message: `${name} is not used${nearest}` }];
  });
}

async function open(project: Project, file: string): Promise<OpenedMiddleware> {
  const path = join(project.root, file);
  const { looks, found } = await survey(project, [path]);
  const text = await readFile(path, 'utf8').catch(() => UNREADABLE);
  const names = looks.get(path)?.names ?? new Set();
  const isSure = found.files.has(path) ? NAMED.test(text) : names.has('middleware') || names.has('proxy');
  const reason = reasonToIgnore({ text, isSure, hasDefault: names.has('default') });
  if (reason !== undefined) {
    const problems = reason === NO_MIDDLEWARE ? misspeltIn(names, ['middleware'], { file, text }) : [];
    return { ...NONE, ignored: [{ file, reason }], problems };
  }
  try {
    const compiled = await compile(project, { files: [path], found });
    try {
      return together(compiled.problems, toOpened(project, { file, text }, await compiled.load(path)));
    } catch (cause) {
      const problem = compiled.explain(path, cause);
      // A helper of that name must not close the site; a guard is exported as the platform's page has it.
      if (!isSure) return { ...NONE, ignored: [{ file, reason: problem.message }] };
      const stops = problem.file === file ? [] : [file];
      const problems = mergeProblems([...compiled.problems, { ...problem, ...(stops.length > 0 && { stops }) }]);
      return { filter: new UnreadyTarget(file, cause), ignored: [], problems };
    }
  } catch (cause) {
    // No file of the user's is to blame, e.g. nothing can be written anywhere.
    return unready(file, cause, `cannot be compiled: ${describe(cause)}`);
  }
}

function toOpened(project: Project, source: SourceFile, loaded: Loaded): OpenedMiddleware {
  const { file } = source;
  if (loaded.state === 'ready') return toFilter(project, source, loaded.exports);
  if (loaded.state === 'ahead') return NONE;
  const target = new UnreadyTarget(file, undefined);
  const { log } = project;
  loaded.later.then(
    (exports) => {
      const { filter, problems } = toFilter(project, source, exports);
      logProblems(log, problems);
      target.become(filter ?? OPEN);
      log.info('the middleware, which was late, has loaded', { target: file });
    },
    (error: unknown) => {
      target.fail(error);
      log.error('the middleware, which was late, did not load', { target: file, error });
    },
  );
  const message = 'is still loading; until it has, every request is answered 500';
  return { filter: target, ignored: [], problems: [{ severity: 'error', file, message }] };
}

/** In the place of a file that turned out to be no middleware. */
const OPEN: Target = { name: 'no middleware', answer: async () => 'passed' };

function toFilter({ env, log, functionLimits }: Project, source: SourceFile, exports: Exports): OpenedMiddleware {
  const { file } = source;
  const middleware = pick(exports);
  if (!middleware) return { ...NONE, ignored: [{ file, reason: 'exports no function called middleware' }] };
  const { matcher, complaints } = toMatcher(matcherIn(exports));
  const problems = complaints.map((complaint) => ({
    severity: 'error' as const,
    file,
    message: `config.matcher: ${complaint}`,
  }));
  const unused = misspeltIn(Object.keys(Object(exports.config)), ['matcher'], source);
  const limits = new FunctionLimits({ ...functionLimits, log });
  return {
    filter: new MiddlewareFilter({ name: file, middleware, matcher, env, limits, log }),
    ignored: [],
    problems: [...problems, ...unused],
  };
}

function pick({ middleware, proxy, default: standard }: Exports): Middleware | undefined {
  return [middleware, proxy, (standard as { middleware?: unknown } | undefined)?.middleware].find(isFunction);
}

type Middleware = (context: MiddlewareContext) => unknown;

function isFunction(value: unknown): value is Middleware {
  return typeof value === 'function';
}

function matcherIn({ config }: Exports): unknown {
  return typeof config === 'object' && config !== null && 'matcher' in config ? config.matcher : undefined;
}

function unready(file: string, cause: unknown, message: string): OpenedMiddleware {
  return { filter: new UnreadyTarget(file, cause), ignored: [], problems: [{ severity: 'error', file, message }] };
}

function together(problems: readonly Problem[], opened: OpenedMiddleware): OpenedMiddleware {
  return { ...opened, problems: [...problems, ...opened.problems] };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
