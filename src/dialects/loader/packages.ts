import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import type { InputWatch } from './inputs.ts';
import { PATH_OF, URL_OF } from './place-module.ts';

/** Everything but `./x`, `../x` and `/x`: packages, Node's own modules, `#imports`, and aliases of a tsconfig. */
const BARE = /^[^./]/;

/** Node loads these itself. TypeScript inside node_modules it refuses, so that is compiled with the user's files. */
const NODE_LOADS = /[/\\]node_modules[/\\].*?(?:\.(?:[cm]?js|json|node)|[/\\][^./\\]+)$/;

/** Marks our own question to esbuild's resolver, which comes back to us first. */
const ASKED = Symbol('asked');

/** Stands in front of a path relative to the site where esbuild takes only text; encoded, so that it needs no escapes. */
const MARK = 'nexthop-package:';
const MARKED = /(\bimport\()?"nexthop-package:([^"]*)"/g;

/**
 * Leaves packages out of the bundle: Node loads them from the site's own node_modules, by their path from the root of the site, so that the
 * bundle may stand anywhere.
 *
 * Each is loaded by a `require` at the place of its import. As plain `import` statements they would be hoisted to the top of the one
 * bundle: a package that is broken or lacks a name would cost every route, and `import 'dotenv/config'` would run too late or too early.
 * It also gives names to whoever imports them from CommonJS (`import { sign } from 'jsonwebtoken'`), as bundlers do and Node does not.
 */
export function packages(root: string, watch?: InputWatch): Plugin {
  return {
    name: 'packages',
    setup(build) {
      const types = new Map<string, string>();
      build.onResolve({ filter: /./, namespace: 'built-in' }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ path, namespace: 'package' }));
      build.onResolve({ filter: /^\.{0,2}\/.*\.node$/ }, ({ path, resolveDir, kind }) => {
        const file = path.startsWith('/') ? path : join(resolveDir, path);
        return leaveOut(relative(root, file), kind, 'package');
      });
      build.onResolve({ filter: BARE }, async (question) => {
        const found = await resolvePackage(build, question);
        if (found === undefined || found.isBuiltIn) return found && leaveOut(found.path, question.kind, 'built-in');
        watch?.addPackage(found.path);
        const isModule = question.kind === 'import-statement' && isEsModule(found.path, types);
        return leaveOut(relative(root, found.path), question.kind, isModule ? 'module-package' : 'package');
      });
      build.onLoad({ filter: /./, namespace: 'built-in' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /./, namespace: 'package' }, ({ path }) => ({
        contents: `module.exports = require(${PATH_OF}(${JSON.stringify(withoutShield(path))}));`,
      }));
      build.onLoad({ filter: /./, namespace: 'module-package' }, ({ path }) => ({ contents: toModule(path) }));
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
async function resolvePackage(build: PluginBuild, question: OnResolveArgs): Promise<Found | undefined> {
  const { path, kind, importer, namespace, resolveDir, pluginData } = question;
  if (pluginData === ASKED || kind === 'entry-point') return undefined;
  const found = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED });
  // Asked again by esbuild itself, a missing one becomes an error with its place, or a warning inside try and catch.
  if (found.errors.length > 0) return undefined;
  if (!found.external && !NODE_LOADS.test(found.path)) return undefined;
  return { path: found.path, isBuiltIn: found.external };
}

/** Behind the path of what stands in for a package: by the extension `.mjs` esbuild would take that for what it stands in for. */
const SHIELD = '?';

function withoutShield(path: string): string {
  return path.slice(0, -SHIELD.length);
}

type Kind = OnResolveArgs['kind'];
type Namespace = 'built-in' | 'package' | 'module-package';

function leaveOut(path: string, kind: Kind, namespace: Namespace): OnResolveResult {
  if (kind !== 'require-resolve' && kind !== 'dynamic-import') {
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
