import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** A cache: folder → the `type` of its nearest package.json. */
export type ModuleTypes = Map<string, string>;

/** Whether a file is an ES module by its extension, else by the nearest package.json. */
export function isEsModule(file: string, types: ModuleTypes): boolean {
  return /\.m[jt]s$/.test(file) || (/\.[jt]sx?$/.test(file) && typeOf(dirname(file), types) === 'module');
}

function typeOf(folder: string, types: ModuleTypes): string {
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
    // No package.json here, or one that cannot be parsed: the folder above decides.
    return undefined;
  }
}
