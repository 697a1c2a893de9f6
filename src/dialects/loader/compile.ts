import { hash } from 'node:crypto';
import { join, relative } from 'node:path';
import { mergeProblems, type Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { type Bundle, type BundleExports, type BundleRequest, bundle } from './bundle.ts';
import { InputWatch } from './inputs.ts';
import { explainStale, findKept } from './kept-build.ts';
import { toLoadProblem } from './load-problem.ts';
import { ModuleHooks } from './module-hooks.ts';
import { importText } from './place-module.ts';
import { loadSite } from './site-load.ts';

/** How long a module may take to load at start: a database that does not answer must not keep every route of the site away. */
const LOAD_LIMIT_MS = 10_000;

/** The exports of a module. */
export type Exports = Readonly<Record<string, unknown>>;

/** What was loaded, or that it is not there yet; then `later` settles when it is. 'ahead': it was compiled for later, and is not run. */
export type Loaded =
  | { readonly state: 'ahead' }
  | { readonly state: 'ready'; readonly exports: Exports }
  | { readonly state: 'slow'; readonly later: Promise<Exports> };

export interface Compiled {
  /** What could not be compiled of the files given and whatever they import. */
  readonly problems: readonly Problem[];
  /**
   * Evaluates a file, once, with what it imports; files share the modules that both import.
   * Rejects with what the module throws; when it takes longer than `limitMs`, says so instead.
   */
  load(file: string, limitMs?: number): Promise<Loaded>;
  /** What is to be told of an error with which the evaluation of a file ended: the problem behind it, or where it was thrown. */
  explain(file: string, error: unknown): Problem;
}

export type CompileRequest = Omit<BundleRequest, 'root' | 'watch'>;

/**
 * Compiles the user's files, and all that they import, into one module, or takes it from a fresh build (docs/decisions/user-code-bundle.md).
 * Evaluates nothing yet. Throws a BuildError when there is neither.
 */
export async function compile(project: Project, request: CompileRequest): Promise<Compiled> {
  const { root, dataDir, ahead } = project;
  const files = request.files.map((file) => relative(root, file));
  const kept = await findKept(project, { kind: 'functions', files });
  if (kept.state === 'fresh') {
    const { module, problems = [], lost = [] } = kept.piece;
    const hooks = new ModuleHooks(root);
    // What was not installed where the build was made may be here.
    const told = toProblems({ problems, lost: lost.filter((call) => hooks.isLost(call)) });
    return loadInto(project, module?.hash ?? '', kept.importModule, told);
  }
  const watch = ahead && new InputWatch(root);
  const { module, ...found } = await explainStale(kept, () => bundle({ ...request, root, watch }));
  const problems = toProblems(found);
  if (watch) {
    // What does not compile now may do so later without a change to any file that is known by then, so it is not kept.
    if (problems.every(({ severity }) => severity === 'warning')) {
      ahead.keep({ kind: 'functions', files, inputs: watch.toInputs(), ...found, module });
    }
    return { problems, load: async () => ({ state: 'ahead' }), explain: (file, error) => explain(root, file, error) };
  }
  const importModule = () => importText(module, root, join(dataDir, 'functions'));
  return loadInto(project, module.text, importModule, kept.state === 'stale' ? [kept.problem, ...problems] : problems);
}

function toProblems({ problems, lost }: Pick<Bundle, 'problems' | 'lost'>): readonly Problem[] {
  return mergeProblems([...problems, ...lost.map(({ problem }) => problem)]);
}

/** `codeId`: the same for the same code. */
async function loadInto(
  { root, env, warmCode }: Project,
  codeId: string,
  importModule: (anew: boolean) => Promise<unknown>,
  problems: readonly Problem[],
): Promise<Compiled> {
  // Code may read its variables once, while it loads; with others it is not the same any more.
  const key = warmCode ? hash('sha256', JSON.stringify([codeId, Object.entries(env).sort()])) : '';
  // Only whole modules are kept.
  const code =
    (warmCode?.find(key) as Code | undefined) ?? connect(root, await importModule(warmCode?.isFirst === false));
  warmCode?.keep(key, code);
  return {
    problems,
    load: (file, limitMs = LOAD_LIMIT_MS) =>
      // What failed once would be found half done, and what it lacked may be there the next time.
      withTimeout(code.loaders, relative(root, file), { limitMs, onFailure: () => warmCode?.forget(key) }),
    explain: (file, error) => explain(root, file, error, code.hooks),
  };
}

/** A module that was imported, with what it calls. */
interface Code {
  readonly loaders: BundleExports['loaders'];
  readonly hooks: ModuleHooks;
}

function connect(root: string, module: unknown): Code {
  const { loaders, connect } = module as BundleExports; // that is what is compiled
  const hooks = new ModuleHooks(root);
  connect(hooks);
  return { loaders, hooks };
}

function explain(root: string, file: string, error: unknown, hooks?: ModuleHooks): Problem {
  const known = hooks?.problemOf(error);
  if (known) return { ...known, severity: 'error' };
  return toLoadProblem({ root, file, error, failure: hooks?.failureOf(error) });
}

interface Wait {
  readonly limitMs: number;
  readonly onFailure: () => void;
}

async function withTimeout(
  loaders: BundleExports['loaders'],
  file: string,
  { limitMs, onFailure }: Wait,
): Promise<Loaded> {
  const loader = loaders[file];
  if (!loader) throw new Error(`${file} is not one of the files compiled`);
  const later = loadSite(file, loader);
  // Whoever waits for it hears of a rejection; when nobody does any more, it must not count as unhandled.
  later.catch(onFailure);
  const { promise: limit, resolve } = Promise.withResolvers<Loaded>();
  const timer = setTimeout(() => resolve({ state: 'slow', later }), limitMs);
  try {
    return await Promise.race([later.then((exports): Loaded => ({ state: 'ready', exports })), limit]);
  } finally {
    clearTimeout(timer);
  }
}
