import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { AwaitSearch, isEsModule, type ModuleTypes } from './await-search.ts';
import type { InputWatch } from './inputs.ts';
import { BUILT_IN, type FileResolver, type KnownExports } from './known-exports.ts';
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
  readonly exports: KnownExports;
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
export function packages({ root, resolver, watch, exports, willRun }: PackagesParts): Plugin {
  return {
    name: 'packages',
    setup(build) {
      const types: ModuleTypes = new Map();
      const search = new AwaitSearch(build.esbuild, types);
      const resolveFile: FileResolver = (path, importer) => {
        const kind = 'import-statement';
        const at = { importer, namespace: 'file', resolveDir: dirname(importer) };
        return resolver.resolve(build, { ...at, path, kind, pluginData: undefined, with: {} });
      };
      const findNames = (namespace: Namespace, path: string) =>
        willRun ? exports.find(namespace, withoutShield(path), resolveFile) : undefined;
      build.onResolve({ filter: /./, namespace: 'built-in' }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /./, namespace: BUILT_IN }, ({ path }) => ({ path, namespace: 'built-in' }));
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
        if (found.isBuiltIn) {
          const declares = willRun && args.kind === 'import-statement' && (await findNames(BUILT_IN, found.path));
          return leaveOut(found.path, args.kind, declares ? BUILT_IN : 'built-in');
        }
        watch?.addPackage(found.path);
        const path = relative(root, found.path);
        if (args.kind !== 'import-statement' || !isEsModule(found.path, types)) {
          return leaveOut(path, args.kind, 'package');
        }
        const isAwaiting =
          willRun && ((await exports.isMixed(found.path, resolveFile)) || (await search.awaits(found.path)));
        return leaveOut(path, args.kind, isAwaiting ? 'awaiting-package' : 'module-package');
      });
      build.onLoad({ filter: /./, namespace: 'built-in' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /./, namespace: BUILT_IN }, async ({ path }) => ({
        contents: toModule(path, await findNames(BUILT_IN, path)),
      }));
      build.onLoad({ filter: /./, namespace: 'package' }, ({ path }) => ({
        contents: `module.exports = ${HOOKS}.package(${JSON.stringify(withoutShield(path))});`,
      }));
      build.onLoad({ filter: /./, namespace: 'module-package' }, async ({ path }) => ({
        contents: toModule(path, await findNames('module-package', path)),
      }));
      build.onLoad({ filter: /./, namespace: 'awaiting-package' }, async ({ path }) => ({
        contents: `import ${JSON.stringify(AWAIT)}; ${toModule('it', await findNames('awaiting-package', path))}`,
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
    ? {
        answer: {
          errors: [{ text: `Could not resolve ${JSON.stringify(path)}` }],
        },
      }
    : undefined;
}

type Kind = OnResolveArgs['kind'];
/**
 * How an import of a package is loaded.
 * 'built-in': a module of Node itself; 'named-built-in': by a stand-in that declares its exports.
 * 'package': CommonJS, by `require`.
 * 'module-package': an ES module, by `require`.
 * 'awaiting-package': an ES module with a top-level await, or whose `require` returns other exports,
 * by an `import()` that its importers await.
 */
type Namespace = 'built-in' | typeof BUILT_IN | 'package' | 'module-package' | 'awaiting-package';

function leaveOut(path: string, kind: Kind, namespace: Namespace): OnResolveResult {
  if (kind !== 'dynamic-import') {
    return { path: isOfNode(namespace) ? path : path + SHIELD, namespace };
  }
  return { path: isOfNode(namespace) ? path : `${MARK}${encodeURIComponent(path)}`, external: true };
}

function isOfNode(namespace: Namespace): boolean {
  return namespace === 'built-in' || namespace === BUILT_IN;
}

/**
 * The text of a stand-in for an ES module that is loaded by `require` (Node ≥ 22.12). Without it,
 * an importer under `"type": "module"` would get an object of all exports as the default export, as
 * for CommonJS. `names`: its exports, if they are known.
 */
function toModule(path: string, names: ReadonlySet<string> | undefined): string {
  const name = JSON.stringify(path);
  if (names) return `export { ${[...names].map((each) => JSON.stringify(each)).join(', ')} } from ${name};`;
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
