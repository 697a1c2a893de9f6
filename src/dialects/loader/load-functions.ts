import { relative } from 'node:path';
import type { Log } from '../../contract/log.ts';
import { mergeProblems, type Problem, toLocation } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { type Compiled, compile, type Exports } from './compile.ts';
import type { SourceProblems } from './source-problems.ts';

/** A file of functions that is to be loaded. */
export interface FunctionEntry {
  /** Absolute and without links. */
  readonly path: string;
  /** Relative to the site. */
  readonly file: string;
}

export interface LoadRequest<Entry extends FunctionEntry> {
  readonly files: readonly Entry[];
  /** What an earlier look at the files found wrong. */
  readonly found?: SourceProblems | undefined;
  /** Names of packages that are brought along elsewhere. */
  readonly external?: ReadonlySet<string> | undefined;
  /** How long the start waits for a module; default: the loader's. */
  readonly limitMs?: number | undefined;
}

/**
 * What came of one file. 'ahead': it was compiled for later. 'failed': it does not work, for that cause. 'late': it takes longer than the start
 * waits; then `later` has its exports, or rejects with what it threw.
 */
export type LoadedFunction =
  | { readonly state: 'ready'; readonly exports: Exports }
  | { readonly state: 'ahead' }
  | { readonly state: 'failed'; readonly cause: unknown }
  | { readonly state: 'late'; readonly later: Promise<Exports> };

export interface LoadedFunctions<Entry extends FunctionEntry> {
  /** In the order in which they were asked for. */
  readonly loaded: readonly { readonly entry: Entry; readonly outcome: LoadedFunction }[];
  /** One for each mistake, with the functions that it stops. */
  readonly problems: readonly Problem[];
}

/** Compiles files and evaluates each. Never rejects: a file that does not work costs its own routes alone, and is told of. */
export async function loadFunctions<Entry extends FunctionEntry>(
  project: Project,
  request: LoadRequest<Entry>,
): Promise<LoadedFunctions<Entry>> {
  const { files, found, external } = request;
  if (files.length === 0) return { loaded: [], problems: [] };
  const problems: Problem[] = [];
  try {
    const paths = files.map(({ path }) => path);
    const compiled = await compile(project, { files: paths, found, external });
    problems.push(...compiled.problems);
    const loaded = files.map(async (entry) => {
      return { entry, outcome: await load(project, { compiled, entry, problems, limitMs: request.limitMs }) };
    });
    return { loaded: await Promise.all(loaded), problems: mergeProblems(problems) };
  } catch (error) {
    // No file of the user's is to blame, e.g. nothing can be written anywhere.
    problems.push({ severity: 'error', file: '', message: `functions cannot be compiled: ${error}` });
    return { loaded: files.map((entry) => ({ entry, outcome: { state: 'failed', cause: error } })), problems };
  }
}

interface Loading {
  readonly compiled: Compiled;
  readonly entry: FunctionEntry;
  readonly problems: Problem[];
  readonly limitMs: number | undefined;
}

async function load({ root, log }: Project, { compiled, entry, problems, limitMs }: Loading): Promise<LoadedFunction> {
  const { path, file } = entry;
  try {
    const loaded = await compiled.load(path, limitMs);
    if (loaded.state !== 'slow') return loaded;
    problems.push({ severity: 'error', file, message: 'is still loading; until it has, its route answers 500' });
    const toProblem = (error: unknown): Problem => compiled.explain(path, error);
    void settle(loaded.later, { log, file, toProblem });
    return { state: 'late', later: loaded.later };
  } catch (error) {
    const problem = compiled.explain(path, error);
    // The compiler knows a linked file by its real path.
    if (problem.file === relative(root, path))
      problems.push({ ...problem, ...(problem.file !== file && { stops: [file] }) });
    else problems.push({ ...problem, stops: [file] });
    return { state: 'failed', cause: error };
  }
}

interface Late {
  readonly log: Log;
  readonly file: string;
  readonly toProblem: (error: unknown) => Problem;
}

/** Logs what became of it. */
async function settle(later: Promise<Exports>, { log, file, toProblem }: Late): Promise<void> {
  try {
    await later;
    log.info('a function that was late has loaded', { target: file });
  } catch (error) {
    const problem = toProblem(error);
    log.error(`a function that was late ${problem.message}`, { target: file, file: toLocation(problem), error });
  }
}
