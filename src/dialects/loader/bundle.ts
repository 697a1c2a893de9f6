import { relative, resolve } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import { type BuildAnswer, buildAround } from './build-around.ts';
import { findCycles } from './import-cycles.ts';
import type { InputWatch } from './inputs.ts';
import { callHooks } from './lost-imports.ts';
import { HOOKS, type ModuleHooks } from './module-hooks.ts';
import { callForPaths } from './packages.ts';
import { type ModuleText, PRELUDE_PLACE } from './place-module.ts';
import { SourceProblems } from './source-problems.ts';
import { INDEX, nameAfterOriginals, nameSourcesAfterOriginals } from './stand-ins.ts';

export interface BundleRequest {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute paths. Nothing else is ever evaluated but what these import. */
  readonly files: readonly string[];
  /** What an earlier look at the files found wrong. */
  readonly found?: SourceProblems | undefined;
  /** Names of packages that are brought along elsewhere: one that is not here is no error, and fails where it is used. */
  readonly external?: ReadonlySet<string> | undefined;
  /** Told what the module depends on. */
  readonly watch?: InputWatch | undefined;
}

/** The exports of a bundle. */
export interface BundleExports {
  /** Each evaluates one of the files, which are relative to the site, and resolves with its exports. */
  readonly loaders: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>>;
  /** Must be called before them. */
  readonly connect: (hooks: ModuleHooks) => void;
}

export interface Bundle extends Pick<BuildAnswer, 'problems' | 'lost'> {
  readonly module: ModuleText;
}

/** Makes one module of files and all that they import. What cannot be compiled throws its problem where it is needed. */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const { root, files, found = new SourceProblems(root), external, watch } = request;
  const build = (cycles: Cycles) =>
    buildAround({
      root,
      entries: files,
      toOptions: (entries) => ({
        stdin: { contents: toIndex(root, entries, cycles), resolveDir: root, sourcefile: INDEX },
        banner: { js: PRELUDE_PLACE },
        outdir: root,
        sourcemap: 'external',
        sourcesContent: false,
        keepNames: true,
      }),
      problems: found,
      external,
      watch,
      willRun: true,
    });
  const plain = await build(new Map());
  const names = files.map((file) => relative(root, file));
  const cycles = findCycles(plain.built.metafile, names);
  const { built, problems, lost } = cycles.size === 0 ? plain : await build(cycles);
  const [map, text] = built.outputFiles.map((file) => file.text);
  const module = {
    text: nameAfterOriginals(callHooks(callForPaths(text ?? ''))),
    map: nameSourcesAfterOriginals(map ?? '{"sources":[]}'),
  };
  // esbuild works on files side by side; the same site must give the same build.
  return {
    module,
    problems: problems.toSorted(byPlace),
    lost: lost.toSorted((left, right) => byPlace(left.problem, right.problem)),
  };
}

function byPlace(left: Problem, right: Problem): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

/** By entry, relative to the site. */
type Cycles = ReturnType<typeof findCycles>;

/**
 * A function for each file, by its path in the site: esbuild turns the `import()` of a file in the same bundle into the call that evaluates it
 * on first use, in the order of its imports, and throws again what it threw.
 */
function toIndex(root: string, files: readonly string[], cycles: Cycles): string {
  const entries = files.map((file) => {
    const name = relative(root, file);
    const members = cycles.get(name) ?? [];
    const rest = members.map((member) => `await ${toImport(resolve(root, member))};`).join(' ');
    const load = rest === '' ? toImport(file) : `{ const all = await ${toImport(file)}; ${rest} return all; }`;
    return `${JSON.stringify(name)}: ${rest === '' ? '' : 'async '}() => ${load}`;
  });
  return `export const loaders = {${entries.join(', ')}}; export const connect = (hooks) => { ${HOOKS} = hooks; };`;
}

function toImport(file: string): string {
  return `import(${JSON.stringify(file)})`;
}
