import { relative } from 'node:path';
import type { Log } from '../../contract/log.ts';
import { mergeProblems, type Problem, toLocation } from '../../contract/problem.ts';
import type { GoodCode, Project } from '../../contract/project.ts';
import { type Compiled, compile, type Exports } from './compile.ts';
import type { ImportRules } from './import-rules.ts';
import { describeLateLoad } from './late-load.ts';
import type { SourceProblems } from './source-problems.ts';

/** A file with functions to load. */
export interface FunctionEntry {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Relative to the site. */
  readonly file: string;
}

export interface LoadRequest<Entry extends FunctionEntry> {
  readonly files: readonly Entry[];
  /** Problems that the survey of the files found. */
  readonly found?: SourceProblems | undefined;
  /** Names of packages that may be missing here, because the platform provides them. */
  readonly external?: ReadonlySet<string> | undefined;
  /** Imports of a platform that Node does not know. */
  readonly imports?: ImportRules | undefined;
  /** How long the start waits for a module; default: 10 s. */
  readonly limitMs?: number | undefined;
  /** Called with all compiled code, packages excepted, before any of it is evaluated. */
  readonly beforeLoad?: (code: string) => Promise<void>;
}

/**
 * The outcome for one file. 'ahead': `nexthop build` compiled it and does not run it. 'failed': it
 * does not work, because of `cause`. 'late': it takes longer than the start waits; `later` resolves
 * with its exports or rejects with what it throws.
 */
export type LoadedFunction =
  /** `isBefore`: it does not load, and these are its exports when it last did. */
  | { readonly state: 'ready'; readonly exports: Exports; readonly good: GoodCode; readonly isBefore?: true }
  | { readonly state: 'ahead' }
  | { readonly state: 'failed'; readonly cause: unknown }
  | { readonly state: 'late'; readonly later: Promise<Exports> };

export interface LoadedFunctions<Entry extends FunctionEntry> {
  /** In the order of the request. */
  readonly loaded: readonly { readonly entry: Entry; readonly outcome: LoadedFunction }[];
  /** One for each error, with the functions that it breaks. */
  readonly problems: readonly Problem[];
}

/**
 * Compiles files and evaluates each. Rejects only with an error of `beforeLoad`: a file that fails
 * becomes a problem and breaks only its own routes.
 */
export async function loadFunctions<Entry extends FunctionEntry>(
  project: Project,
  request: LoadRequest<Entry>,
): Promise<LoadedFunctions<Entry>> {
  const { files, found, external, imports } = request;
  if (files.length === 0) return { loaded: [], problems: [] };
  let compiled: Compiled;
  try {
    compiled = await compile(project, { files: files.map(({ path }) => path), found, external, imports });
  } catch (error) {
    // Not the fault of a user's file, e.g. no folder can be written to.
    const problem: Problem = { severity: 'error', file: '', message: `functions cannot be compiled: ${error}` };
    return {
      loaded: files.map((entry) => ({ entry, outcome: { state: 'failed', cause: error } })),
      problems: [problem],
    };
  }
  if (!project.ahead) await request.beforeLoad?.(compiled.code);
  const problems = [...compiled.problems];
  const loaded = files.map(async (entry) => {
    return { entry, outcome: await load(project, { compiled, entry, problems, limitMs: request.limitMs }) };
  });
  return { loaded: await Promise.all(loaded), problems: mergeProblems(problems) };
}

interface Loading {
  readonly compiled: Compiled;
  readonly entry: FunctionEntry;
  readonly problems: Problem[];
  readonly limitMs: number | undefined;
}

async function load(
  { root, log, warmCode, onLateCode }: Project,
  { compiled, entry, problems, limitMs }: Loading,
): Promise<LoadedFunction> {
  const { path, file } = entry;
  const startedAtMs = performance.now();
  try {
    const loaded = await compiled.load(path, limitMs);
    if (loaded.state === 'ready') {
      const { exports, code, source } = loaded;
      const good = { exports, code, source };
      warmCode?.keepGood(file, good);
      return { state: 'ready', exports, good };
    }
    if (loaded.state === 'ahead') return loaded;
    const { later } = loaded;
    const toProblem = (error: unknown): Problem => compiled.explain(path, error);
    const before = warmCode?.findGood(file);
    const late = await describeLateLoad({ root, path, waitedMs: performance.now() - startedAtMs });
    const message = before ? late.message : `${late.message}; until it has loaded, its route answers 500`;
    problems.push({ severity: 'error', file, ...late, message, ...(before && { keeps: [file] }) });
    void logOutcome(later, { log, file, toProblem, onLoaded: before && onLateCode });
    return before ? toReady(before) : { state: 'late', later };
  } catch (error) {
    const problem = compiled.explain(path, error);
    const before = warmCode?.findGood(file);
    // The compiler reports the real path of a file that a symbolic link leads to.
    const isOwn = problem.file === relative(root, path) && problem.file === file;
    const stops = isOwn ? {} : { stops: [file] };
    problems.push({ ...problem, ...(before ? { keeps: [file] } : stops) });
    return before ? toReady(before) : { state: 'failed', cause: error };
  }
}

function toReady(good: GoodCode): LoadedFunction {
  return { state: 'ready', exports: good.exports, good, isBefore: true };
}

interface Late {
  readonly log: Log;
  readonly file: string;
  readonly toProblem: (error: unknown) => Problem;
  readonly onLoaded: (() => void) | undefined;
}

/** Logs whether a late function loaded or failed. */
async function logOutcome(later: Promise<Exports>, { log, file, toProblem, onLoaded }: Late): Promise<void> {
  try {
    await later;
    log.info('a function that was late has loaded', { target: file });
    onLoaded?.();
  } catch (error) {
    const problem = toProblem(error);
    log.error(`a function that was late ${problem.message}`, { target: file, file: toLocation(problem), error });
  }
}
