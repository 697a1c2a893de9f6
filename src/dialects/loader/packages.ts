import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';

/** Everything but `./x`, `../x` and `/x`: packages, Node's own modules, `#imports`, and aliases of a tsconfig. */
const BARE = /^[^./]/;

/** Node loads these itself. TypeScript inside node_modules it refuses, so that is compiled with the user's files. */
const NODE_LOADS = /[/\\]node_modules[/\\].*?(?:\.(?:[cm]?js|json|node)|[/\\][^./\\]+)$/;

/** Marks our own question to esbuild's resolver, which comes back to us first. */
const ASKED = Symbol('asked');

/**
 * Leaves packages out of the bundle: Node loads them from the site's own node_modules, by absolute path, so that the bundle may stand anywhere.
 *
 * Each is loaded by a `require` at the place of its import. As plain `import` statements they would be hoisted to the top of the one
 * bundle: a package that is broken or lacks a name would cost every route, and `import 'dotenv/config'` would run too late or too early.
 * It also gives names to whoever imports them from CommonJS (`import { sign } from 'jsonwebtoken'`), as bundlers do and Node does not.
 */
export function packages(): Plugin {
  return {
    name: 'packages',
    setup(build) {
      const types = new Map<string, string>();
      build.onResolve({ filter: /./, namespace: 'package' }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ path, namespace: 'package' }));
      build.onResolve({ filter: /^\.{0,2}\/.*\.node$/ }, ({ path, resolveDir }) => ({
        path: path.startsWith('/') ? path : join(resolveDir, path),
        external: true,
      }));
      build.onResolve({ filter: BARE }, (question) => resolvePackage(build, question, types));
      build.onLoad({ filter: /./, namespace: 'package' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ contents: toModule(path) }));
    },
  };
}

async function resolvePackage(
  build: PluginBuild,
  question: OnResolveArgs,
  types: Map<string, string>,
): Promise<OnResolveResult | undefined> {
  const { path, kind, importer, namespace, resolveDir, pluginData } = question;
  if (pluginData === ASKED || kind === 'entry-point') return undefined;
  const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED });
  // Asked again by esbuild itself, a missing one becomes an error with its place, or a warning inside try and catch.
  if (found.errors.length > 0) return undefined;
  if (!found.external && !NODE_LOADS.test(found.path)) return undefined;
  if (kind === 'require-resolve') return { path: found.path, external: true };
  if (kind === 'dynamic-import') {
    return { path: found.external ? found.path : pathToFileURL(found.path).href, external: true };
  }
  const isModule = kind === 'import-statement' && !found.external && isEsModule(found.path, types);
  return { path: found.path, namespace: isModule ? 'module-package' : 'package' };
}

/**
 * A package of ES modules, by way of `require` (Node ≥ 22.12). Without this step an importer under `"type": "module"` would get
 * all its exports as the default one, which is right for CommonJS alone.
 */
function toModule(path: string): string {
  const name = JSON.stringify(path);
  return `import * as all from ${name}; export * from ${name}; export default all.default;`;
}

/** By Node's rule for files in packages: the extension, else the nearest package.json. */
function isEsModule(file: string, types: Map<string, string>): boolean {
  return file.endsWith('.mjs') || (file.endsWith('.js') && typeOf(dirname(file), types) === 'module');
}

function typeOf(folder: string, types: Map<string, string>): string {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const parent = dirname(folder);
  const type = readType(folder) ?? (parent === folder ? 'commonjs' : typeOf(parent, types));
  types.set(folder, type);
  return type;
}

function readType(folder: string): string | undefined {
  try {
    const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const isObject = typeof description === 'object' && description !== null;
    return isObject && 'type' in description ? String(description.type) : 'commonjs';
  } catch {
    // No package.json here, or one that Node would refuse as well: the folder above decides.
    return undefined;
  }
}
