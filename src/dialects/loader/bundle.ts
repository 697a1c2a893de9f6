import { relative, resolve } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import type { FileFacts } from '../../contract/project.ts';
import { type BuildAnswer, buildAround } from './build-around.ts';
import { findDevDependencies } from './dev-dependencies.ts';
import { findCycles } from './import-cycles.ts';
import type { ImportRules } from './import-rules.ts';
import type { InputWatch } from './inputs.ts';
import { HOOKS, type ModuleHooks } from './module-hooks.ts';
import { callForPaths } from './packages.ts';
import { EXPORTS, type ModuleText, PRELUDE_PLACE } from './place-module.ts';
import { SourceProblems } from './source-problems.ts';
import { INDEX, nameAfterOriginals, nameSourcesAfterOriginals } from './stand-ins.ts';
import { callHooks } from './unresolved-imports.ts';

export interface BundleRequest {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute paths. Only these, and what they import, are ever evaluated. */
  readonly files: readonly string[];
  /** Problems that the survey of the files found. */
  readonly found?: SourceProblems | undefined;
  /**
   * Names of packages that the platform provides: one that is missing here fails only where it is
   * used.
   */
  readonly external?: ReadonlySet<string> | undefined;
  /** Imports of a platform that Node does not know. */
  readonly imports?: ImportRules | undefined;
  /** Records the files that the module depends on. */
  readonly watch?: InputWatch | undefined;
  readonly fileFacts?: FileFacts | undefined;
}

/** The exports of a bundle. */
export interface BundleExports {
  /** By path relative to the site: each evaluates that file and resolves with its exports. */
  readonly loaders: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>>;
  /** Must be called before any loader. */
  readonly connect: (hooks: ModuleHooks) => void;
}

export interface Bundle extends Pick<BuildAnswer, 'problems' | 'unresolved'> {
  readonly module: ModuleText;
  /** Absolute paths of the files in it that are outside of the site. */
  readonly outside: readonly string[];
}

/**
 * Bundles files, and all that they import, into one module. A file that cannot be compiled throws
 * its problem when it is imported.
 */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const { root, files, found = new SourceProblems(root), external, watch, imports, fileFacts } = request;
  for (const input of imports?.inputs ?? []) watch?.add(input);
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
      imports,
      watch,
      fileFacts,
      willRun: true,
    });
  const plain = await build(new Map());
  const names = files.map((file) => relative(root, file));
  const cycles = findCycles(plain.built.metafile, names);
  const { built, problems, unresolved } = cycles.size === 0 ? plain : await build(cycles);
  const [map, text] = built.outputFiles.map((file) => file.text);
  const module = {
    text: nameAfterOriginals(callHooks(callForPaths(text ?? ''))),
    map: nameSourcesAfterOriginals(map ?? '{"sources":[]}'),
  };
  // esbuild reads files in parallel, in no fixed order. Sorted, so that the same site gives the
  // same build.
  return {
    module,
    // Others have the prefix of a namespace: stand-ins and packages.
    outside: Object.keys(built.metafile.inputs).flatMap((file) =>
      file.startsWith('../') ? [resolve(root, file)] : [],
    ),
    problems: [...problems, ...(await findDevDependencies(root, built.metafile))].toSorted(byPlace),
    unresolved: unresolved.toSorted((left, right) => byPlace(left.problem, right.problem)),
  };
}

function byPlace(left: Problem, right: Problem): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

/** By entry, relative to the site. */
type Cycles = ReturnType<typeof findCycles>;

/**
 * The text of the bundle's entry: one loader for each file. esbuild turns an `import()` of a file
 * in the same bundle into a call that evaluates the file at its first use, in the order of its
 * imports, and that throws the same error again on later calls.
 */
function toIndex(root: string, files: readonly string[], cycles: Cycles): string {
  const entries = files.map((file) => {
    const name = relative(root, file);
    const members = cycles.get(name) ?? [];
    const rest = members.map((member) => `await ${toImport(resolve(root, member))};`).join(' ');
    const load = rest === '' ? toImport(file) : `{ const all = await ${toImport(file)}; ${rest} return all; }`;
    return `${JSON.stringify(name)}: ${rest === '' ? '' : 'async '}() => ${load}`;
  });
  // No exports: the bundle is the body of a function.
  return `${EXPORTS}.loaders = {${entries.join(', ')}}; ${EXPORTS}.connect = (hooks) => { ${HOOKS} = hooks; };`;
}

function toImport(file: string): string {
  return `import(${JSON.stringify(file)})`;
}
