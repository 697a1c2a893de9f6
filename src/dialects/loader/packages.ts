import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { AwaitSearch, isEsModule, type ModuleTypes } from './await-search.ts';
import type { InputWatch } from './inputs.ts';
import { HOOKS } from './module-hooks.ts';
import { LOADED, PATH_OF, URL_OF } from './place-module.ts';
import { isOwnCall, type Resolver } from './resolver.ts';
import { CALL_GAP, SHIELD, withoutShield } from './stand-ins.ts';

/**
 * All specifiers except `./x`, `../x` and `/x`: packages, Node's own modules, `#imports`, and
 * aliases of a tsconfig.
 */
const BARE = /^[^./]/;

/**
 * Files of packages that Node can load itself. It refuses TypeScript in node_modules, which is
 * compiled with the user's files.
 */
const NODE_LOADS = /[/\\]node_modules[/\\].*?(?:\.(?:[cm]?js|json|node)|[/\\][^./\\]+)$/;

/**
 * Prefix of a path that represents a package in esbuild's output. The rest is a path relative to
 * the site, encoded, so that it needs no escapes.
 */
const MARK = 'nexthop-package:';
const MARKED = new RegExp(`(\\bimport\\(${CALL_GAP})?"${MARK}([^"]*)"`, 'g');

/** Specifier by which the stand-in of a package with a top-level await imports that package. */
const AWAIT = 'await';

export interface PackagesParts {
  readonly root: string;
  readonly resolver: Resolver;
  readonly watch?: InputWatch | undefined;
  /**
   * False if the output is only read to find exports. The search for a top-level await, 10 ms and
   * more for each ES module, is then left out.
   */
  readonly willRun: boolean;
}

/**
 * Leaves packages out of the bundle. Node loads them from the site's own node_modules, by their
 * path relative to the site, so that the bundle may be in any folder.
 *
 * Each package is loaded by a `require` where it is imported. `import` statements would be hoisted
 * to the top of the bundle: a package that is broken or lacks an export would break every route,
 * and `import 'dotenv/config'` would run too late or too early. With `require`, code can also
 * import names from a CommonJS package (`import { sign } from 'jsonwebtoken'`), as in bundlers, but
 * not in Node.
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
      build.onResolve({ filter: BARE }, async (args) => {
        const found = await resolvePackage(build, resolver, args);
        if (found === undefined) return undefined;
        if ('answer' in found) return found.answer;
        if (found.isBuiltIn) return leaveOut(found.path, args.kind, 'built-in');
        watch?.addPackage(found.path);
        const path = relative(root, found.path);
        if (args.kind !== 'import-statement' || !isEsModule(found.path, types)) {
          return leaveOut(path, args.kind, 'package');
        }
        const isAwaiting = willRun && (await search.awaits(found.path));
        return leaveOut(path, args.kind, isAwaiting ? 'awaiting-package' : 'module-package');
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

/**
 * Replaces the marked paths in esbuild's output by calls that resolve them from the root of the
 * site.
 */
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

/** Undefined for imports that esbuild must resolve itself. */
async function resolvePackage(
  build: PluginBuild,
  resolver: Resolver,
  args: OnResolveArgs,
): Promise<Found | { readonly answer: OnResolveResult } | undefined> {
  if (isOwnCall(args) || args.kind === 'entry-point') return undefined;
  const found = await resolver.resolve(build, args);
  // esbuild then resolves it itself, and reports an error with its location, unless the code
  // handles the failure.
  if (!found) return undefined;
  const isBuiltIn = found.external && isBuiltin(found.path);
  // esbuild treats every URL as external, but Node imports no other schemes than `node:`, `file:`
  // and `data:`.
  if (found.external && !isBuiltIn) return toUnresolved(args);
  if (isBuiltIn || NODE_LOADS.test(found.path)) return { path: found.path, isBuiltIn };
  return found.isSettled ? { answer: { path: found.path } } : undefined;
}

/** Reports the error in the words of esbuild, which adds the location of the import. */
function toUnresolved({ path, kind }: OnResolveArgs): { readonly answer: OnResolveResult } | undefined {
  return kind === 'import-statement'
    ? { answer: { errors: [{ text: `Could not resolve ${JSON.stringify(path)}` }] } }
    : undefined;
}

type Kind = OnResolveArgs['kind'];
/**
 * How an import of a package is loaded.
 * 'built-in': a module of Node itself.
 * 'package': CommonJS, by `require`.
 * 'module-package': an ES module, by `require`.
 * 'awaiting-package': an ES module with a top-level await, by an `import()` that its importers
 * await.
 */
type Namespace = 'built-in' | 'package' | 'module-package' | 'awaiting-package';

function leaveOut(path: string, kind: Kind, namespace: Namespace): OnResolveResult {
  if (kind !== 'dynamic-import') {
    return { path: namespace === 'built-in' ? path : path + SHIELD, namespace };
  }
  return { path: namespace === 'built-in' ? path : `${MARK}${encodeURIComponent(path)}`, external: true };
}

/**
 * The text of a stand-in for an ES module that is loaded by `require` (Node ≥ 22.12). Without it,
 * an importer under `"type": "module"` would get an object of all exports as the default export, as
 * for CommonJS.
 */
function toModule(path: string): string {
  const name = JSON.stringify(path);
  return `import * as all from ${name}; export * from ${name}; export default all.default;`;
}

/**
 * The text of a stand-in with the result that `require` would return: the exports, and the mark of
 * an ES module.
 */
function toAwaited(path: string): string {
  return `const all = ${LOADED}.get(${JSON.stringify(path)});
    for (const name of Object.keys(all)) Object.defineProperty(exports, name, { enumerable: true, get: () => all[name] });
    Object.defineProperty(exports, '__esModule', { value: true });`;
}
