import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import { logProblems, mergeProblems, type Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Target } from '../../../contract/target.ts';
import { FunctionLimits } from '../../../http/function-limits.ts';
import { compile, type Exports, type Loaded } from '../../loader/compile.ts';
import { describeLateLoad } from '../../loader/late-load.ts';
import { findNearPaths, isDeadLink, isImported } from '../../loader/near-paths.ts';
import { survey } from '../../loader/survey.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import { misspeltIn, type SourceFile } from '../misspelt-names.ts';
import type { MiddlewareContext } from './middleware-context.ts';
import { MiddlewareFilter } from './middleware-filter.ts';
import { toMatcher } from './middleware-matcher.ts';

export interface OpenedMiddleware {
  /** Undefined if the site has no middleware. */
  readonly filter: Target | undefined;
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

const NONE: OpenedMiddleware = { filter: undefined, ignored: [], problems: [] };

/**
 * Finds and loads the site's middleware. Never throws for an error in its code. If it does not
 * load or exports no handler, every request gets 500: the middleware may protect the site, and its
 * matcher is unknown. After a reload, the last middleware that loaded runs instead.
 */
export async function openMiddleware(project: Project): Promise<OpenedMiddleware> {
  const [file, ...others] = await findFiles(project.root);
  if (file === undefined) return closeLost(project);
  const ignored = others.map((other) => ({ file: other, reason: `${file} is the middleware` }));
  const opened = await open(project, file);
  return { ...opened, ignored: [...opened.ignored, ...ignored] };
}

/** The first of these that exists is the middleware. */
const FILES = ['middleware.js', 'middleware.ts', 'src/middleware.js', 'src/middleware.ts'];

async function findFiles(root: string): Promise<readonly string[]> {
  const found = await Promise.all(FILES.map((file) => isFile(join(root, file))));
  return FILES.filter((_, index) => found[index]);
}

/** A middleware under a misspelt name would protect nothing. Below `src` such a name has many other meanings. */
async function closeLost({ root }: Project): Promise<OpenedMiddleware> {
  for (const wanted of FILES.filter(isInRoot)) {
    for (const file of await findNearPaths(root, wanted, 'file')) {
      // A usual name for several of them.
      if (/^middlewares\./i.test(file)) continue;
      const text = await readFile(join(root, file), 'utf8').catch(() => '');
      if (!NAMED_FUNCTION.test(text) || NEXT_IMPORT.test(text) || (await isImported(root, file))) continue;
      const message = `is not read, although it exports a middleware; did you mean ${wanted}?`;
      return unready(file, new Error(message), `${message}; every request is answered 500`);
    }
  }
  return NONE;
}

const NAMED_FUNCTION =
  /\bexport\s+(?:async\s+)?function\s+middleware\b|\bexport\s+const\s+middleware\s*=\s*(?:async\b\s*)?(?:function\b|\(|\w+\s*=>)/;

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    // It may exist although stat failed. Reading it gives the error.
    return !isMissingFile(error) || isDeadLink(path);
  }
}

/** An export named `middleware` or `proxy`. Used for a file that does not compile. */
const NAMED_EXPORT =
  /\bexport\s+(?:async\s+)?(?:function|const|let|var)\s+(?:middleware|proxy)\b|\bexport\s*\{[^}]*\b(?:middleware|proxy)\b|\bexports\.(?:middleware|proxy)\b/;

/** Stands in for the text of a file that cannot be read, so that it counts as a middleware. */
const UNREADABLE = 'export const middleware';

const NEXT_IMPORT = /["']next(?:\/[\w-]+)*["']/;

interface Found {
  readonly text: string;
  /** It exports a middleware by name. Otherwise only its loaded default export can show it. */
  readonly isSure: boolean;
  readonly hasDefault: boolean;
}

/**
 * Why a file is not EdgeOne's middleware; undefined if it is. Other frameworks use the same file
 * name.
 */
function reasonToIgnore({ text, isSure, hasDefault }: Found): string | undefined {
  if (NEXT_IMPORT.test(text)) return 'a middleware of Next.js, which Next.js runs';
  return isSure || (hasDefault && /\bmiddleware\b/.test(text)) ? undefined : NO_MIDDLEWARE;
}

const NO_MIDDLEWARE = 'exports no middleware';

/**
 * A file in the root is the middleware, also if it is empty or half-written. One below `src` may
 * belong to a framework (Astro exports `onRequest` from it) or be a helper.
 */
function isInRoot(file: string): boolean {
  return !file.includes('/');
}

async function open(project: Project, file: string): Promise<OpenedMiddleware> {
  const path = join(project.root, file);
  const { looks, found } = await survey(project, [path]);
  const text = await readFile(path, 'utf8').catch(() => UNREADABLE);
  const names = looks.get(path)?.names ?? new Set();
  const isBroken = found.files.has(path);
  const before = isBroken ? project.warmCode?.findGood(file) : undefined;
  const isNamed = isBroken ? NAMED_EXPORT.test(text) : names.has('middleware') || names.has('proxy');
  // A mistake in a middleware must not open what it protects.
  const isSure = isNamed || before !== undefined;
  const reason = reasonToIgnore({ text, isSure, hasDefault: names.has('default') });
  if (reason !== undefined) {
    // A misspelt middleware protects nothing.
    const misspelt = reason === NO_MIDDLEWARE ? misspeltIn(names, ['middleware'], { file, text }) : [];
    const ignored = { ...NONE, ignored: [{ file, reason }] };
    if (reason !== NO_MIDDLEWARE) return ignored;
    const opened = closeOr(ignored, project, { file, text });
    return mergeMisspelt(opened, misspelt);
  }
  try {
    const compiled = await compile(project, { files: [path], found });
    try {
      const startedAtMs = performance.now();
      const loaded = await compiled.load(path);
      const source = { file, text };
      if (loaded.state !== 'slow') return addProblems(compiled.problems, toOpened(project, source, loaded));
      const waitedMs = performance.now() - startedAtMs;
      const late = await describeLateLoad({ root: project.root, path, waitedMs });
      return addProblems(compiled.problems, toLate(project, source, loaded.later, late));
    } catch (cause) {
      const problem = compiled.explain(path, cause);
      const good = project.warmCode?.findGood(file);
      // A helper file with this name must not make every request fail.
      if (!isSure && !good && !isInRoot(file)) return { ...NONE, ignored: [{ file, reason: problem.message }] };
      const stops = problem.file === file ? {} : { stops: [file] };
      const effect = good ? { keeps: [file] } : stops;
      const problems = mergeProblems([...compiled.problems, { ...problem, ...effect }]);
      if (good) return addProblems(problems, toFilter(project, { file, text }, good.exports));
      return { filter: new UnreadyTarget(file, cause), ignored: [], problems };
    }
  } catch (cause) {
    // Not an error of the user's files, e.g. no folder is writable.
    return unready(file, cause, `cannot be compiled: ${messageOf(cause)}`);
  }
}

/** One problem for one mistake: what the export should be called, and what happens without it. */
function mergeMisspelt(opened: OpenedMiddleware, [first, ...others]: readonly Problem[]): OpenedMiddleware {
  const [problem] = opened.problems;
  if (!first || !problem) return addProblems(first ? [first, ...others] : [], opened);
  const message = `${problem.message} (${first.message})`;
  return { ...opened, problems: [{ ...first, ...problem, message }, ...others] };
}

type InTime = Exclude<Loaded, { readonly state: 'slow' }>;

function toOpened(project: Project, source: SourceFile, loaded: InTime): OpenedMiddleware {
  const { file } = source;
  if (loaded.state === 'ahead') return NONE;
  const opened = toFilter(project, source, loaded.exports);
  if (!opened.filter) return closeOr(opened, project, source);
  project.warmCode?.keepGood(file, loaded);
  return opened;
}

function toLate(
  project: Project,
  source: SourceFile,
  later: Promise<Exports>,
  description: Pick<Problem, 'message' | 'line' | 'column'>,
): OpenedMiddleware {
  const { file } = source;
  const { log, warmCode, onLateCode } = project;
  const before = warmCode?.findGood(file);
  const late: Problem = { severity: 'error', file, ...description };
  if (before) {
    later.then(onLateCode, (error) => log.error('the middleware failed to load', { target: file, error }));
    return addProblems([{ ...late, keeps: [file] }], toFilter(project, source, before.exports));
  }
  const target = new UnreadyTarget(file, undefined);
  later.then(
    (exports) => {
      const opened = toFilter(project, source, exports);
      const { filter, problems } = opened.filter ? opened : closeOr(opened, project, source);
      logProblems(log, problems);
      target.become(filter ?? NO_MIDDLEWARE_TARGET);
      log.info('the middleware finished loading after the start', { target: file });
    },
    (error: unknown) => {
      target.fail(error);
      log.error('the middleware failed to load after the start', { target: file, error });
    },
  );
  const message = `${late.message}; until it has loaded, every request is answered 500`;
  return { filter: target, ignored: [], problems: [{ ...late, message }] };
}

/** Replaces the target of a helper that loaded late and exports no middleware. */
const NO_MIDDLEWARE_TARGET: Target = { name: 'no middleware', answer: () => 'passed' };

const WITHOUT_HANDLER = 'exports no function named middleware';

/**
 * For a file without a handler: the last middleware that loaded from it, a filter that answers 500
 * to every request if it is the site's middleware, or else `ignored`.
 */
function closeOr(ignored: OpenedMiddleware, project: Project, source: SourceFile): OpenedMiddleware {
  const { file } = source;
  const good = project.warmCode?.findGood(file);
  if (!good && !isInRoot(file)) return ignored;
  const problem = { severity: 'error', file, message: WITHOUT_HANDLER } as const;
  if (good) return addProblems([{ ...problem, keeps: [file] }], toFilter(project, source, good.exports));
  return unready(file, new Error(WITHOUT_HANDLER), `${WITHOUT_HANDLER}; every request is answered 500`);
}

function toFilter({ env, log, functionLimits }: Project, source: SourceFile, exports: Exports): OpenedMiddleware {
  const { file } = source;
  const middleware = pick(exports);
  if (!middleware) return { ...NONE, ignored: [{ file, reason: WITHOUT_HANDLER }] };
  const { matcher, mistakes } = toMatcher(matcherIn(exports));
  const problems = mistakes.map((mistake) => ({
    severity: 'error' as const,
    file,
    message: `config.matcher: ${mistake}`,
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

function addProblems(problems: readonly Problem[], opened: OpenedMiddleware): OpenedMiddleware {
  return { ...opened, problems: [...problems, ...opened.problems] };
}
