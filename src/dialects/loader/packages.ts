import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { AwaitSearch, isEsModule, type ModuleTypes } from './await-search.ts';
import type { InputWatch } from './inputs.ts';
import { HOOKS } from './module-hooks.ts';
import { LOADED, PATH_OF, URL_OF } from './place-module.ts';
import { isAsked, type Resolver } from './resolver.ts';
import { CALL_GAP, SHIELD, withoutShield } from './stand-ins.ts';

/** Everything but `./x`, `../x` and `/x`: packages, Node's own modules, `#imports`, and aliases of a tsconfig. */
const BARE = /^[^./]/;

/** Node loads these itself. TypeScript inside node_modules it refuses, so that is compiled with the user's files. */
const NODE_LOADS = /[/\\]node_modules[/\\].*?(?:\.(?:[cm]?js|json|node)|[/\\][^./\\]+)$/;

/** Stands in front of a path relative to the site where esbuild takes only text; encoded, so that it needs no escapes. */
const MARK = 'nexthop-package:';
const MARKED = new RegExp(`(\\bimport\\(${CALL_GAP})?"${MARK}([^"]*)"`, 'g');

/** How a package that awaits something while it loads is imported before it is used. */
const AWAIT = 'await';

export interface PackagesParts {
  readonly root: string;
  readonly resolver: Resolver;
  readonly watch?: InputWatch | undefined;
  /** For a bundle that is only looked at it need not be known how its packages can be loaded, which costs 10 ms and more for each of ES modules. */
  readonly willRun: boolean;
}

/**
 * Leaves packages out of the bundle: Node loads them from the site's own node_modules, by their path from the root of the site, so that the
 * bundle may stand anywhere.
 *
 * Each is loaded by a `require` at the place of its import. As plain `import` statements they would be hoisted to the top of the one
 * bundle: a package that is broken or lacks a name would cost every route, and `import 'dotenv/config'` would run too late or too early.
 * It also gives names to whoever imports them from CommonJS (`import { sign } from 'jsonwebtoken'`), as bundlers do and Node does not.
 */
export function packages({ root, resolver, watch, willRun }: PackagesParts): Plugin {
  return {
    name: 'packages',
    setup(build) {
      const types: ModuleTypes = new Map();
      const search = new AwaitSearch(build.esbuild, types);
      build.onResolve({ filter: /./, namespace: 'built-in' }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ path, namespace: 'package' }));
      build.onResolve({ filter: /./, namespace: 'awaiting-package' }, ({ path, importer }) => ({
        path: importer,
        namespace: path === AWAIT ? 'awaited-import' : 'awaited-package',
      }));
      build.onResolve({ filter: /^\.{0,2}\/.*\.node$/ }, ({ path, resolveDir, kind }) => {
        const file = path.startsWith('/') ? path : join(resolveDir, path);
        return leaveOut(relative(root, file), kind, 'package');
      });
      build.onResolve({ filter: BARE }, async (question) => {
        const found = await resolvePackage(build, resolver, question);
        if (found === undefined) return undefined;
        if ('answer' in found) return found.answer;
        if (found.isBuiltIn) return leaveOut(found.path, question.kind, 'built-in');
        watch?.addPackage(found.path);
        const path = relative(root, found.path);
        if (question.kind !== 'import-statement' || !isEsModule(found.path, types)) {
          return leaveOut(path, question.kind, 'package');
        }
        const isAwaiting = willRun && (await search.awaits(found.path));
        return leaveOut(path, question.kind, isAwaiting ? 'awaiting-package' : 'module-package');
      });
      build.onLoad({ filter: /./, namespace: 'built-in' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /./, namespace: 'package' }, ({ path }) => ({
        contents: `module.exports = ${HOOKS}.package(${JSON.stringify(withoutShield(path))});`,
      }));
      build.onLoad({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ contents: toModule(path) }));
      build.onLoad({ filter: /./, namespace: 'awaiting-package' }, () => ({
        contents: `import ${JSON.stringify(AWAIT)}; ${toModule('it')}`,
      }));
      build.onLoad({ filter: /./, namespace: 'awaited-import' }, ({ path }) => {
        const file = JSON.stringify(withoutShield(path));
        return { contents: `${LOADED}.set(${file}, await import(${URL_OF}(${file}))); export {};` };
      });
      build.onLoad({ filter: /./, namespace: 'awaited-package' }, ({ path }) => ({
        contents: toAwaited(withoutShield(path)),
      }));
    },
  };
}

/** Turns what stands for paths in esbuild's output into calls that know where the site is. */
export function callForPaths(text: string): string {
  return text.replaceAll(MARKED, (_, dynamic: string | undefined, encoded: string) => {
    const file = JSON.stringify(decodeURIComponent(encoded));
    return dynamic === undefined ? `${PATH_OF}(${file})` : `${dynamic}${URL_OF}(${file})`;
  });
}

interface Found {
  /** Absolute, or the name of one of Node's own modules. */
  readonly path: string;
  readonly isBuiltIn: boolean;
}

/** Undefined for what esbuild is to deal with itself. */
async function resolvePackage(
  build: PluginBuild,
  resolver: Resolver,
  question: OnResolveArgs,
): Promise<Found | { readonly answer: OnResolveResult } | undefined> {
  if (isAsked(question) || question.kind === 'entry-point') return undefined;
  const found = await resolver.resolve(build, question);
  // Asked again by esbuild itself, a missing one becomes an error with its place, or nothing where the code is ready for that.
  if (!found) return undefined;
  const isBuiltIn = found.external && isBuiltin(found.path);
  // esbuild would leave these to Node, which imports nothing by other schemes.
  if (found.external && !isBuiltIn) return toLost(question);
  if (isBuiltIn || NODE_LOADS.test(found.path)) return { path: found.path, isBuiltIn };
  return found.isSettled ? { answer: { path: found.path } } : undefined;
}

/** As esbuild says it, with the place of the import. */
function toLost({ path, kind }: OnResolveArgs): { readonly answer: OnResolveResult } | undefined {
  return kind === 'import-statement'
    ? { answer: { errors: [{ text: `Could not resolve ${JSON.stringify(path)}` }] } }
    : undefined;
}

type Kind = OnResolveArgs['kind'];
/**
 * built-in: of Node itself. package: by `require`. module-package: of ES modules, by `require`. awaiting-package: of ES modules that `require` refuses,
 * since they await something while they load: by `import()`, for which its importers wait.
 */
type Namespace = 'built-in' | 'package' | 'module-package' | 'awaiting-package';

function leaveOut(path: string, kind: Kind, namespace: Namespace): OnResolveResult {
  if (kind !== 'dynamic-import') {
    return { path: namespace === 'built-in' ? path : path + SHIELD, namespace };
  }
  return { path: namespace === 'built-in' ? path : `${MARK}${encodeURIComponent(path)}`, external: true };
}

/**
 * A package of ES modules, by way of `require` (Node ≥ 22.12). Without this step an importer under `"type": "module"` would get
 * all its exports as the default one, which is right for CommonJS alone.
 */
function toModule(path: string): string {
  const name = JSON.stringify(path);
  return `import * as all from ${name}; export * from ${name}; export default all.default;`;
}

/** What `require` would have made of it: the exports, and the sign that they are those of an ES module. */
function toAwaited(path: string): string {
  return `const all = ${LOADED}.get(${JSON.stringify(path)});
    for (const name of Object.keys(all)) Object.defineProperty(exports, name, { enumerable: true, get: () => all[name] });
    Object.defineProperty(exports, '__esModule', { value: true });`;
}
