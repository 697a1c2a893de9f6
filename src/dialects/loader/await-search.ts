import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import type { BuildFailure, PluginBuild } from 'esbuild';

/**
 * Finds ES modules of packages that have a top-level await, or import one that does: Node cannot
 * `require` these.
 */
export class AwaitSearch {
  readonly #esbuild: PluginBuild['esbuild'];
  readonly #types: ModuleTypes;
  readonly #answers = new Map<string, Promise<boolean>>();

  constructor(esbuild: PluginBuild['esbuild'], types: ModuleTypes) {
    this.#esbuild = esbuild;
    this.#types = types;
  }

  /** `file`: absolute path of a file in a package. */
  awaits(file: string): Promise<boolean> {
    const answer = this.#answers.get(file) ?? this.#search(file);
    this.#answers.set(file, answer);
    return answer;
  }

  async #search(file: string): Promise<boolean> {
    try {
      await this.#esbuild.build({
        entryPoints: [file],
        bundle: true,
        write: false,
        platform: 'node',
        conditions: [],
        logLevel: 'silent',
        // CommonJS has no top-level await, so esbuild reports each as an error.
        format: 'cjs',
        plugins: [{ name: 'modules', setup: (build) => this.#passOverCommonJs(build) }],
      });
      return false;
    } catch (error) {
      // esbuild rejects with nothing else.
      return (error as BuildFailure).errors.some(({ text }) => text.startsWith('Top-level await'));
    }
  }

  /**
   * Replaces CommonJS files by empty ones: neither they nor what they require can have a top-level
   * await.
   */
  #passOverCommonJs(build: PluginBuild): void {
    build.onLoad({ filter: /./ }, ({ path }) => (isEsModule(path, this.#types) ? undefined : { contents: '' }));
  }
}

/** A cache: folder → the `type` of its nearest package.json; file → that of its syntax. */
export type ModuleTypes = Map<string, string>;

/** Whether a file is an ES module: by its extension, else by the nearest package.json, else, in a package, by its syntax, as in Node. */
export function isEsModule(file: string, types: ModuleTypes): boolean {
  if (/\.m[jt]s$/.test(file)) return true;
  if (!/\.[jt]sx?$/.test(file)) return false;
  const type = typeOf(dirname(file), types);
  // Builders of the platforms compile the site's own files.
  if (type !== UNSAID || !/[/\\]node_modules[/\\]/.test(file)) return type === 'module';
  const known = types.get(file) ?? readSyntax(file);
  types.set(file, known);
  return known === 'module';
}

/** The nearest package.json has no `type`. */
const UNSAID = 'unsaid';

function readSyntax(file: string): 'module' | 'commonjs' {
  try {
    const text = readFileSync(file, 'utf8').replace(/^#!.*/, '');
    if (/^\s*(?:import|export)\b/m.test(text)) compileFunction(text);
    return 'commonjs';
  } catch (error) {
    // The words of V8.
    const isOfModule = error instanceof SyntaxError && /import statement|token 'export'/.test(error.message);
    return isOfModule ? 'module' : 'commonjs';
  }
}

function typeOf(folder: string, types: ModuleTypes): string {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const parent = dirname(folder);
  const type = readType(folder) ?? (parent === folder ? UNSAID : typeOf(parent, types));
  types.set(folder, type);
  return type;
}

function readType(folder: string): string | undefined {
  try {
    const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const isObject = typeof description === 'object' && description !== null;
    return isObject && 'type' in description ? String(description.type) : UNSAID;
  } catch {
    // No package.json here, or one that cannot be parsed: the folder above decides.
    return undefined;
  }
}
