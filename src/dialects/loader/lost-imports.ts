import { isBuiltin } from 'node:module';
import { relative, resolve } from 'node:path';
import type { Metafile, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { packageOf } from './import-problem.ts';
import { HOOKS, type LostCall } from './module-hooks.ts';
import type { LostImport, SourceProblems } from './source-problems.ts';
import { CALL_GAP, SHIELD, toUsersFile, withoutShield } from './stand-ins.ts';

export interface LostImportsParts {
  readonly root: string;
  readonly problems: SourceProblems;
  /** Names of packages that are brought along elsewhere: one that is not here is no error. */
  readonly external: ReadonlySet<string>;
}

export interface LostImports {
  readonly plugin: Plugin;
  /** Those that this build came across and that are problems: errors where a file cannot be loaded for it, else warnings. */
  seen(): readonly LostProblem[];
}

export type LostProblem = LostCall & { readonly problem: Problem };

/** In front of what stands for a call in esbuild's output, which takes only text there; encoded, so that it needs no escapes. */
const MARK = 'nexthop-lost:';
const MARKED = new RegExp(`\\b(import|__require)\\(${CALL_GAP}"${MARK}([^"]*)"`, 'g');

const NAMESPACE = 'lost-import';

/**
 * Imports that lead to nothing fail where they stand, and as Node has it. An `import` statement throws when its file is evaluated, but for one of a package that
 * is brought along elsewhere, which throws where it is used. `import()` and `require` are left to the time when they run, since code may catch what they throw.
 */
export function lostImports({ root, problems, external }: LostImportsParts): LostImports {
  const seen = new Map<LostImport, Problem['severity']>();

  function answer(lost: LostImport, kind: OnResolveArgs['kind']): OnResolveResult {
    const isStatement = kind === 'import-statement';
    const isExternal = external.has(packageOf(lost.specifier) ?? lost.specifier);
    if (isStatement && !isExternal) seen.set(lost, 'error');
    else if (!isExternal && !seen.has(lost)) seen.set(lost, 'warning');
    const { importer, specifier, problem } = lost;
    const call: LostCall = { file: relative(root, importer), specifier, ...(problem && !isExternal && { problem }) };
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
      name: 'lost-imports',
      setup(build) {
        // A question for each import costs time, where the first round of a build knows of none.
        if (problems.lostImports === 0) return;
        build.onResolve({ filter: /./ }, ({ importer, path, kind }) => {
          const lost = problems.findImport(resolve(root, withoutShield(importer)), path);
          return lost && answer(lost, kind);
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

/** A statement that leads to nothing is an error, unless its names serve as types alone. */
const LATE: ReadonlySet<string> = new Set(['require-call', 'dynamic-import']);

/**
 * The imports of a bundle that esbuild left as they are, since the code is ready for their failure: it would look for them from where the bundle stands.
 */
export function findLeft(root: string, { inputs }: Metafile): readonly LostImport[] {
  return Object.entries(inputs).flatMap(([name, { imports }]) => {
    const file = toUsersFile(name);
    if (file === undefined) return [];
    const left = imports.filter(({ kind }) => LATE.has(kind)).filter(({ external }) => external);
    return left
      .filter(({ path }) => !path.startsWith('nexthop-') && !isBuiltin(path))
      .map(({ path }) => ({ importer: resolve(root, file), specifier: path, problem: undefined }));
  });
}

/** Turns what stands for calls in esbuild's output into calls. */
export function callHooks(text: string): string {
  return text.replaceAll(MARKED, (_, callee: string, encoded: string) => {
    return `${HOOKS}.${callee === 'import' ? 'import' : 'require'}(${decodeURIComponent(encoded)}`;
  });
}
