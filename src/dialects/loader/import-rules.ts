import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { isOwnCall } from './resolver.ts';
import type { VendoredModules } from './vendored-modules.ts';

/** Imports of a platform whose code does not run on Node there: what each leads to here. */
export interface ImportRules {
  /** An import map: specifier, or prefix with a slash at its end → another specifier, or an absolute path. The longest prefix counts. */
  readonly map: ReadonlyMap<string, string>;
  /** Modules of URLs that `nexthop vendor` has stored. */
  readonly vendored: VendoredModules;
  /** Modules of types alone: without content here. */
  readonly isTypes: (specifier: string) => boolean;
  /** Names of globals, and the expression that stands for each; see esbuild's `define`. */
  readonly globals: Readonly<Record<string, string>>;
  /** Files on which the answers depend. */
  readonly inputs: readonly string[];
  /** Gets what is worth a warning: a package in another version than the import names. */
  readonly note: (importer: string, message: string) => void;
}

/** Marks imports that a rule has replaced. */
const REPLACED = Symbol('replaced');

const TYPES = 'types-only';
const SCHEME = /^(?:npm|jsr|https?):/;

/** Resolves imports by the rules, before all other plugins. */
export function importRules(root: string, rules: ImportRules): Plugin {
  return {
    name: 'import-rules',
    setup(build) {
      build.onResolve({ filter: toFilter(rules) }, (args) => {
        if (isOwnCall(args) || args.pluginData === REPLACED || args.kind === 'entry-point') return undefined;
        return new Import(build, { root, rules, args }).resolve();
      });
      build.onLoad({ filter: /./, namespace: TYPES }, () => ({ contents: 'module.exports = {};' }));
    },
  };
}

/** Paths mean what they say, unless the map has them or the importer is of a URL: each call of a plugin costs time. */
function toFilter({ map, vendored }: ImportRules): RegExp {
  const namesPath = [...map.keys()].some((key) => /^[./]/.test(key));
  return namesPath || vendored.hasModules ? /./ : /^[^./]/;
}

interface ImportParts {
  readonly root: string;
  readonly rules: ImportRules;
  readonly args: OnResolveArgs;
}

class Import {
  readonly #build: PluginBuild;
  readonly #parts: ImportParts;

  constructor(build: PluginBuild, parts: ImportParts) {
    this.#build = build;
    this.#parts = parts;
  }

  /** Undefined: the import is one like any other. */
  async resolve(): Promise<OnResolveResult | undefined> {
    const { rules, args } = this.#parts;
    const mapped = applyMap(rules.map, args.path);
    const base = rules.vendored.urlOf(args.importer);
    const specifier = base !== undefined && /^\.{0,2}\//.test(mapped) ? new URL(mapped, base).href : mapped;
    if (rules.isTypes(specifier)) return { path: specifier, namespace: TYPES };
    if (isAbsolute(specifier) && specifier !== args.path) return { path: specifier };
    if (!SCHEME.test(specifier)) return specifier === args.path ? undefined : this.#resolveAs(specifier);
    if (/^https?:/.test(specifier)) return this.#resolveUrl(specifier);
    const named = toPackage(specifier);
    return named ? this.#resolvePackage(specifier, named) : fail(`${JSON.stringify(specifier)} names no package`);
  }

  async #resolveUrl(url: string): Promise<OnResolveResult> {
    const { root, rules } = this.#parts;
    const vendored = rules.vendored.find(url);
    if (typeof vendored === 'object') return fail(vendored.mistake);
    if (vendored !== undefined) return { path: vendored };
    const named = packageOfUrl(url);
    if (named && existsSync(join(root, 'node_modules', named.name))) return this.#resolvePackage(url, named);
    const remedy = named ? `, or "npm install ${named.name}"` : '';
    return fail(
      `${url} is not in ${rules.vendored.folder}: nothing is fetched at start. Run "nexthop vendor"${remedy}`,
    );
  }

  async #resolvePackage(specifier: string, { name, version, path }: NamedPackage): Promise<OnResolveResult> {
    const { root, rules, args } = this.#parts;
    const installed = versionOf(root, name);
    if (installed === undefined) return fail(`${specifier} needs the package ${name}: run "npm install ${name}"`);
    if (!fits(installed, version)) {
      rules.note(args.importer, `imports ${specifier}, and node_modules has ${name} ${installed}`);
    }
    return this.#resolveAs(name + path);
  }

  async #resolveAs(specifier: string): Promise<OnResolveResult> {
    const { root, args } = this.#parts;
    const { kind, importer, namespace } = args;
    const asked = { kind, importer, namespace, resolveDir: root, pluginData: REPLACED };
    const { path, namespace: found, external, errors, pluginData } = await this.#build.resolve(specifier, asked);
    return errors.length > 0 ? { errors } : { path, namespace: found, external, pluginData };
  }
}

function fail(text: string): OnResolveResult {
  return { errors: [{ text }] };
}

/** What the import map says for a specifier; the specifier itself if it has no entry. */
export function applyMap(map: ImportRules['map'], specifier: string): string {
  const exact = map.get(specifier);
  if (exact !== undefined) return exact;
  const prefixes = [...map.keys()].filter((key) => key.endsWith('/') && specifier.startsWith(key));
  const longest = prefixes.sort((left, right) => right.length - left.length)[0];
  return longest === undefined ? specifier : `${map.get(longest)}${specifier.slice(longest.length)}`;
}

interface NamedPackage {
  readonly name: string;
  /** As written; '' without one. */
  readonly version: string;
  /** Inside the package: '', or with a slash at its start. */
  readonly path: string;
}

const PACKAGE = /^((?:@[^/@]+\/)?[^/@]+)(?:@([^/]+))?(\/.*)?$/;

/** Of `npm:name@1/path`, or `jsr:@scope/name@1`, which is `@jsr/scope__name` on npm. */
function toPackage(specifier: string): NamedPackage | undefined {
  const [scheme = '', rest = ''] = specifier.split(/:\/?/, 2);
  const [, name, version = '', path = ''] = PACKAGE.exec(rest) ?? [];
  if (name === undefined) return undefined;
  const [, scope, short] = /^@([^/]+)\/(.+)$/.exec(name) ?? [];
  if (scheme !== 'jsr') return { name, version, path };
  return scope === undefined ? undefined : { name: `@jsr/${scope}__${short}`, version, path };
}

/** Servers that send packages of npm as modules. */
const NPM_SERVERS =
  /^https:\/\/(?:esm\.sh|cdn\.skypack\.dev|unpkg\.com|cdn\.jsdelivr\.net\/npm|esm\.run)\/(?:v\d+\/)?([^?#]+)/;
const DENO_STANDARD = /^https:\/\/deno\.land\/std(?:@([^/]+))?\/([a-z_]+)\//;

/** The package of npm that a URL stands for; undefined if that is not known. */
function packageOfUrl(url: string): NamedPackage | undefined {
  const [, standard = '', part] = DENO_STANDARD.exec(url) ?? [];
  if (part !== undefined) return { name: `@jsr/std__${part.replaceAll('_', '-')}`, version: standard, path: '' };
  const [, rest] = NPM_SERVERS.exec(url) ?? [];
  const [, name, version = '', path = ''] = (rest && PACKAGE.exec(rest)) || [];
  return name === undefined ? undefined : { name, version, path: path === '/' ? '' : path };
}

function versionOf(root: string, name: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    return String(version);
  } catch {
    // Not installed, or no package.
    return undefined;
  }
}

/** Whether a version fits what an import names: all of its leading numbers, and of `^1.2` and `~1.2` the first or first two. */
function fits(installed: string, wanted: string): boolean {
  const [, range = '', numbers = ''] = /^([\^~]?)v?(\d+(?:\.\d+)*)$/.exec(wanted) ?? [];
  const parts = numbers.split('.');
  const count = range === '^' ? 1 : range === '~' ? 2 : parts.length;
  return (
    numbers === '' ||
    parts.slice(0, count).join('.') === installed.split('.').slice(0, Math.min(count, parts.length)).join('.')
  );
}
