import { isBuiltin } from 'node:module';
import { relative, resolve } from 'node:path';
import type { Metafile, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { packageOf } from './import-problem.ts';
import { HOOKS, type UnresolvedCall } from './module-hooks.ts';
import type { SourceProblems, UnresolvedImport } from './source-problems.ts';
import { CALL_GAP, SHIELD, toUsersFile, withoutShield } from './stand-ins.ts';

export interface UnresolvedImportsParts {
  readonly root: string;
  readonly problems: SourceProblems;
  /** Names of packages that the platform provides: one that is missing here is no error. */
  readonly external: ReadonlySet<string>;
}

export interface UnresolvedImports {
  readonly plugin: Plugin;
  /** The problems that this build met: errors if a file cannot be loaded, else warnings. */
  seen(): readonly UnresolvedProblem[];
}

export type UnresolvedProblem = UnresolvedCall & { readonly problem: Problem };

/**
 * Prefix of a path that represents a call in esbuild's output, where a plugin can only set a path.
 * The rest is encoded, so that it needs no escapes.
 */
const MARK = 'nexthop-unresolved:';
const MARKED = new RegExp(`\\b(import|__require)\\(${CALL_GAP}"${MARK}([^"]*)"`, 'g');

const NAMESPACE = 'unresolved-import';

/**
 * Makes imports that cannot be resolved fail as in Node. An `import` statement throws when its file
 * is evaluated; if it names a package that the platform provides, it throws where the package is
 * used. `import()` and `require` throw when they run, since code may catch that.
 */
export function unresolvedImports({ root, problems, external }: UnresolvedImportsParts): UnresolvedImports {
  const seen = new Map<UnresolvedImport, Problem['severity']>();

  function answer(unresolved: UnresolvedImport, kind: OnResolveArgs['kind']): OnResolveResult {
    const isStatement = kind === 'import-statement';
    const isExternal = external.has(packageOf(unresolved.specifier) ?? unresolved.specifier);
    if (isStatement && !isExternal) seen.set(unresolved, 'error');
    else if (!isExternal && !seen.has(unresolved)) seen.set(unresolved, 'warning');
    const { importer, specifier, problem } = unresolved;
    const call: UnresolvedCall = {
      file: relative(root, importer),
      specifier,
      ...(problem && !isExternal && { problem }),
    };
    const text = JSON.stringify(call);
    if (!isStatement) return { path: MARK + encodeURIComponent(text), external: true };
    const verb = isExternal ? 'external' : 'missing';
    return {
      path: `${call.file}/${specifier}${SHIELD}`,
      namespace: NAMESPACE,
      pluginData: `module.exports = ${HOOKS}.${verb}(${text});`,
    };
  }

  return {
    plugin: {
      name: 'unresolved-import',
      setup(build) {
        // A hook costs time for each import, and the first round of a build has no such imports.
        if (problems.unresolvedImports === 0) return;
        build.onResolve({ filter: /./ }, ({ importer, path, kind }) => {
          const unresolved = problems.findImport(resolve(root, withoutShield(importer)), path);
          return unresolved && answer(unresolved, kind);
        });
        build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ pluginData }) => ({ contents: String(pluginData) }));
      },
    },
    seen: () =>
      [...seen].flatMap(([{ importer, specifier, problem }, severity]) =>
        problem ? [{ file: relative(root, importer), specifier, problem: { ...problem, severity } }] : [],
      ),
  };
}

/**
 * Imports that are resolved when they run. An `import` statement is not: esbuild reports it, unless
 * it imports only types.
 */
const LATE: ReadonlySet<string> = new Set(['require-call', 'dynamic-import']);

/**
 * The imports that esbuild left unchanged in a bundle, because the code handles their failure.
 * Unchanged, they would be resolved from the folder of the bundle.
 */
export function findUnchangedImports(root: string, { inputs }: Metafile): readonly UnresolvedImport[] {
  return Object.entries(inputs).flatMap(([name, { imports }]) => {
    const file = toUsersFile(name);
    if (file === undefined) return [];
    const left = imports.filter(({ kind }) => LATE.has(kind)).filter(({ external }) => external);
    return left
      .filter(({ path }) => !path.startsWith('nexthop-') && !isBuiltin(path))
      .map(({ path }) => ({ importer: resolve(root, file), specifier: path, problem: undefined }));
  });
}

/** Replaces the marked paths in esbuild's output by calls of the hooks. */
export function callHooks(text: string): string {
  return text.replaceAll(MARKED, (_, callee: string, encoded: string) => {
    return `${HOOKS}.${callee === 'import' ? 'import' : 'require'}(${decodeURIComponent(encoded)}`;
  });
}
