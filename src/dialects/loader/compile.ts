import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Problem } from '../../site/problem.ts';
import type { Project } from '../dialect.ts';
import { buildAround } from './build.ts';
import type { Rewrite } from './source-files.ts';

/** How long a module may take to load at start: a database that does not answer must not keep every route of the site away. */
const LOAD_LIMIT_MS = 10_000;

/** The exports of a module. */
export type Exports = Readonly<Record<string, unknown>>;

/** What was loaded, or that it is not there yet; then `later` settles when it is. */
export type Loaded =
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

/** Compiles the user's files, and all that they import, into one module (docs/decisions/user-code-bundle.md). Evaluates nothing yet. */
export async function compile(project: Project, { files, broken, rewrite }: CompileRequest): Promise<Compiled> {
  const { built, problems } = await buildAround({
    root: project.root,
    broken: new Map(broken),
    options: {
      stdin: { contents: toIndex(files), resolveDir: project.root, sourcefile: 'index.nexthop.js' },
      banner: { js: toBanner(project.root) },
      outdir: project.root,
      sourcemap: 'inline',
      sourcesContent: false,
      sourceRoot: `${pathToFileURL(project.root).href}/`,
      keepNames: true,
    },
    ...(rewrite && { rewrite }),
  });
  // Stack traces then name the user's file and line. Node reads a map when its module is loaded, so it must be on before.
  process.setSourceMapsEnabled(true);
  const loaders = await importText(project, built.outputFiles[0]?.text ?? '');
  return { problems, load: (file, limitMs = LOAD_LIMIT_MS) => within(loaders, file, limitMs) };
}

/**
 * A function for each file: esbuild turns the `import()` of a file in the same bundle into the call that evaluates it on first use,
 * in the order of its imports.
 */
function toIndex(files: readonly string[]): string {
  const entries = files.map((file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(file)})`);
  return `export const loaders = {${entries.join(', ')}};`;
}

/** The `require` of whoever asks for a name that is known only when it runs. */
function toBanner(root: string): string {
  const base = JSON.stringify(join(root, 'index.js'));
  return `import { createRequire as __nexthop_createRequire } from 'node:module'; const require = __nexthop_createRequire(${base});`;
}

type Loaders = Readonly<Record<string, () => Promise<Exports>>>;

/**
 * Each time from a folder of its own: Node never forgets a module, so the next build of the site needs another name.
 * The folder is gone when the module is loaded, since everything in it names its sources by absolute path.
 */
async function importText(project: Project, text: string): Promise<Loaders> {
  const folder = await makeFolder(join(project.dataDir, 'functions'));
  try {
    const file = join(folder, 'functions.mjs');
    await writeFile(file, text);
    const module: { loaders: Loaders } = await import(pathToFileURL(file).href);
    return module.loaders;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A site that may not be written to (a read-only image) is served all the same. */
async function makeFolder(parent: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, 'build-'));
  } catch {
    // If the system's own folder cannot be written to either, that error is the one to tell.
    return mkdtemp(join(tmpdir(), 'nexthop-'));
  }
}

async function within(loaders: Loaders, file: string, limitMs: number): Promise<Loaded> {
  const loader = loaders[file];
  if (!loader) throw new Error(`${relative('.', file)} is not one of the files compiled`);
  const later = loader();
  // Whoever waits for it hears of a rejection; when nobody does any more, it must not count as unhandled.
  later.catch(() => undefined);
  const { promise: limit, resolve } = Promise.withResolvers<Loaded>();
  const timer = setTimeout(() => resolve({ state: 'slow', later }), limitMs);
  try {
    return await Promise.race([later.then((exports): Loaded => ({ state: 'ready', exports })), limit]);
  } finally {
    clearTimeout(timer);
  }
}
