import { hash } from 'node:crypto';
import { join, relative } from 'node:path';
import { mergeProblems, type Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import type { SiteCode } from '../../contract/site-code.ts';
import { type Bundle, type BundleExports, type BundleRequest, bundle } from './bundle.ts';
import { InputWatch } from './inputs.ts';
import { explainStale, findKept } from './kept-build.ts';
import { toLoadProblem } from './load-problem.ts';
import { ModuleHooks } from './module-hooks.ts';
import { evaluateText, type ModuleText } from './place-module.ts';
import { loadSite } from './site-load.ts';

/**
 * How long the start waits for a module to load. A database that does not answer must not block all
 * routes of the site.
 */
const LOAD_LIMIT_MS = 10_000;

/** How often a module that does not load is given up for a newer reading, e.g. of the file in which its author has mended it. */
const SUPERSEDED_MS = 1000;

/** The exports of a module. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * 'ahead': `nexthop build` compiled the file and does not run it. 'slow': loading takes longer than
 * the limit; `later` settles when it ends.
 */
export type Loaded =
  | { readonly state: 'ahead' }
  | { readonly state: 'ready'; readonly exports: Exports; readonly code: SiteCode; readonly source: CodeSource }
  | { readonly state: 'slow'; readonly later: Promise<Exports> };

/** The text of a bundle, and the file of it that was loaded. */
export interface CodeSource {
  readonly module: ModuleText;
  /** Relative to the site. */
  readonly entry: string;
}

export interface Compiled {
  /** The code of the files and of all that they import, packages excepted; '' of a build without code. */
  readonly code: string;
  /** Problems in the files and in all that they import. */
  readonly problems: readonly Problem[];
  /**
   * Evaluates a file, once, with what it imports; files share the modules that both import.
   * Rejects with what the module throws; resolves with 'slow' after `limitMs`.
   */
  load(file: string, limitMs?: number): Promise<Loaded>;
  /** Converts an error that the evaluation of a file threw to a problem with its location. */
  explain(file: string, error: unknown): Problem;
}

export type CompileRequest = Omit<BundleRequest, 'root' | 'watch' | 'fileFacts'>;

/**
 * Compiles the user's files, and all that they import, into one module, or reads it from an
 * up-to-date build (docs/decisions/user-code-bundle.md). Evaluates nothing. Throws a BuildError
 * when neither is possible.
 */
export async function compile(project: Project, request: CompileRequest): Promise<Compiled> {
  const { root, dataDir, ahead, fileFacts } = project;
  const files = request.files.map((file) => relative(root, file));
  const kept = await findKept(project, { kind: 'functions', files });
  if (kept.state === 'fresh') {
    const { module, problems = [], unresolved = [] } = kept.piece;
    const hooks = new ModuleHooks(root);
    // A package that was missing where the build was made may be installed here.
    const current = toProblems({ problems, unresolved: unresolved.filter((call) => hooks.isUnresolved(call)) });
    const code = { id: module?.hash ?? '', text: kept.text, map: NO_MAP };
    return loadInto(project, code, kept.evaluate, current);
  }
  const watch = ahead && new InputWatch(root);
  const { module, outside, ...found } = await explainStale(kept, () => bundle({ ...request, root, watch, fileFacts }));
  project.onOutside?.(outside);
  const problems = toProblems(found);
  if (watch) {
    // Not saved with an error: what the error needs may appear without a change to any recorded
    // file, and the build would then wrongly count as up to date.
    if (problems.every(({ severity }) => severity === 'warning')) {
      ahead.keep({ kind: 'functions', files, inputs: watch.toInputs(), ...found, module });
    }
    return {
      code: module.text,
      problems,
      load: async () => ({ state: 'ahead' }),
      explain: (file, error) => explain(root, file, error),
    };
  }
  const evaluate = () => evaluateText(module, root, join(dataDir, 'functions'));
  const code = { id: module.text, ...module };
  return loadInto(project, code, evaluate, kept.state === 'stale' ? [kept.problem, ...problems] : problems);
}

function toProblems({ problems, unresolved }: Pick<Bundle, 'problems' | 'unresolved'>): readonly Problem[] {
  return mergeProblems([...problems, ...unresolved.map(({ problem }) => problem)]);
}

interface CodeText extends ModuleText {
  /** Equal for equal code. */
  readonly id: string;
}

/** The map of a build is in its folder. */
const NO_MAP = '{"version":3,"sources":[],"names":[],"mappings":""}';

async function loadInto(
  { root, env, warmCode }: Project,
  { id, text, map }: CodeText,
  evaluate: () => Promise<unknown>,
  problems: readonly Problem[],
): Promise<Compiled> {
  // Code may read variables once, while it loads: other values need another import.
  const key = warmCode ? hash('sha256', JSON.stringify([id, Object.entries(env).sort()])) : '';
  // `Code` is all that is stored under this key.
  const code = (warmCode?.find(key) as Code | undefined) ?? openBundle(root, await evaluate());
  warmCode?.keep(key, code, code.hooks.code);
  return {
    code: text,
    problems,
    load: (file, limitMs = LOAD_LIMIT_MS) =>
      // A module that failed is not used again: a reload evaluates it again, when what it lacked may
      // be there.
      withTimeout(code, relative(root, file), {
        ...{ limitMs, module: { text, map } },
        isSuperseded: () => warmCode?.isSuperseded(relative(root, file)) ?? false,
        onFailure: () => warmCode?.forget(key),
      }),
    explain: (file, error) => explain(root, file, error, code.hooks),
  };
}

/** An evaluated bundle and the hooks that it calls. */
interface Code {
  readonly loaders: BundleExports['loaders'];
  readonly hooks: ModuleHooks;
}

/** `module`: what its evaluation returned. */
export function openBundle(root: string, module: unknown): Code {
  const { loaders, connect } = module as BundleExports; // `bundle` writes these exports
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
  readonly isSuperseded: () => boolean;
  readonly onFailure: () => void;
  readonly module: ModuleText;
}

async function withTimeout(
  { loaders, hooks: { code } }: Code,
  file: string,
  { limitMs, isSuperseded, onFailure, module }: Wait,
): Promise<Loaded> {
  const loader = loaders[file];
  if (!loader) throw new Error(`${file} is not one of the files compiled`);
  const later = loadSite(file, loader, code);
  // The race below passes a rejection on. After the limit no caller may wait any more: this handler
  // keeps the rejection from being unhandled.
  later.catch(onFailure);
  const { promise: limit, resolve } = Promise.withResolvers<Loaded>();
  const giveUp = (): void => resolve({ state: 'slow', later });
  const timer = setTimeout(giveUp, limitMs);
  const check = setInterval(() => isSuperseded() && giveUp(), SUPERSEDED_MS);
  try {
    return await Promise.race([
      later.then((exports): Loaded => ({ state: 'ready', exports, code, source: { module, entry: file } })),
      limit,
    ]);
  } finally {
    clearTimeout(timer);
    clearInterval(check);
  }
}
