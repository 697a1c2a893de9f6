import { hash } from 'node:crypto';
import { join, relative } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import type { Project } from '../../contract/project.ts';
import { buildAround } from './build-around.ts';
import { InputWatch } from './inputs.ts';
import { explainStale, findKept } from './kept-build.ts';
import { callForPaths } from './packages.ts';
import { importText, type ModuleText, PRELUDE_PLACE } from './place-module.ts';
import type { Rewrite } from './source-files.ts';

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
  /** What esbuild could not take among the files given and whatever they import. */
  readonly problems: readonly Problem[];
  /**
   * Evaluates a file, once, with what it imports; files share the modules that both import.
   * Rejects with what the module throws; when it takes longer than `limitMs`, says so instead.
   */
  load(file: string, limitMs?: number): Promise<Loaded>;
}

export interface CompileRequest {
  /** Absolute paths. Nothing else is ever evaluated but what these import. */
  readonly files: readonly string[];
  /** What an earlier look at the files found broken, by absolute path. */
  readonly broken?: ReadonlyMap<string, Problem>;
  readonly rewrite?: Rewrite;
}

/**
 * Compiles the user's files, and all that they import, into one module, or takes it from a fresh build (docs/decisions/user-code-bundle.md).
 * Evaluates nothing yet. Throws a BuildError when there is neither.
 */
export async function compile(project: Project, request: CompileRequest): Promise<Compiled> {
  const { root, dataDir, ahead } = project;
  const files = request.files.map((file) => relative(root, file));
  const kept = await findKept(project, { kind: 'functions', files });
  if (kept.state === 'fresh') return loadInto(project, kept.piece.module?.hash ?? '', kept.importModule, []);
  const watch = ahead && new InputWatch(root);
  const { module, problems } = await explainStale(kept, () => bundle(root, request, watch));
  if (watch) {
    // What does not compile now may do so later without a change to any file that is known by then, so it is not kept.
    if (problems.length === 0) ahead.keep({ kind: 'functions', files, inputs: watch.toInputs(), module });
    return { problems, load: async () => ({ state: 'ahead' }) };
  }
  const importModule = () => importText(module, root, join(dataDir, 'functions'));
  return loadInto(project, module.text, importModule, kept.state === 'stale' ? [kept.problem, ...problems] : problems);
}

/** `code`: the same for the same code. */
async function loadInto(
  { root, env, warmCode }: Project,
  code: string,
  importModule: (anew: boolean) => Promise<unknown>,
  problems: readonly Problem[],
): Promise<Compiled> {
  // Code may read its variables once, while it loads; with others it is not the same any more.
  const key = warmCode ? hash('sha256', JSON.stringify([code, Object.entries(env).sort()])) : '';
  // Only whole modules are kept.
  const module = warmCode?.find(key) ?? (await importModule(warmCode?.isFirst === false));
  const loaders = toLoaders(module);
  warmCode?.keep(key, module as object);
  return {
    problems,
    load: (file, limitMs = LOAD_LIMIT_MS) =>
      // What failed once would be found half done, and what it lacked may be there the next time.
      withTimeout(loaders, relative(root, file), { limitMs, onFailure: () => warmCode?.forget(key) }),
  };
}

interface Bundle {
  readonly module: ModuleText;
  readonly problems: readonly Problem[];
}

async function bundle(
  root: string,
  { files, broken, rewrite }: CompileRequest,
  watch: InputWatch | undefined,
): Promise<Bundle> {
  const { built, problems } = await buildAround({
    root,
    broken: new Map(broken),
    options: {
      stdin: { contents: toIndex(root, files), resolveDir: root, sourcefile: 'index.nexthop.js' },
      banner: { js: PRELUDE_PLACE },
      outdir: root,
      sourcemap: 'external',
      sourcesContent: false,
      keepNames: true,
    },
    watch,
    willRun: true,
    ...(rewrite && { rewrite }),
  });
  const [map, text] = built.outputFiles;
  return { module: { text: callForPaths(text?.text ?? ''), map: map?.text ?? '{}' }, problems };
}

/**
 * A function for each file, by its path in the site: esbuild turns the `import()` of a file in the same bundle into the call that evaluates it
 * on first use, in the order of its imports.
 */
function toIndex(root: string, files: readonly string[]): string {
  const entries = files.map((file) => `${JSON.stringify(relative(root, file))}: () => import(${JSON.stringify(file)})`);
  return `export const loaders = {${entries.join(', ')}};`;
}

type Loaders = Readonly<Record<string, () => Promise<Exports>>>;

function toLoaders(module: unknown): Loaders {
  // The one export of the index above.
  return (module as { readonly loaders: Loaders }).loaders;
}

interface Wait {
  readonly limitMs: number;
  readonly onFailure: () => void;
}

async function withTimeout(loaders: Loaders, file: string, { limitMs, onFailure }: Wait): Promise<Loaded> {
  const loader = loaders[file];
  if (!loader) throw new Error(`${file} is not one of the files compiled`);
  const later = loader();
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
