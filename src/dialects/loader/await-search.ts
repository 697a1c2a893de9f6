import type { BuildFailure, PluginBuild } from 'esbuild';
import { isEsModule, type ModuleTypes } from './module-type.ts';

/** Finds packages whose ES modules, or those that they import, await something at their top: Node refuses to `require` these. */
export class AwaitSearch {
  readonly #esbuild: PluginBuild['esbuild'];
  readonly #types: ModuleTypes;
  readonly #answers = new Map<string, Promise<boolean>>();

  constructor(esbuild: PluginBuild['esbuild'], types: ModuleTypes) {
    this.#esbuild = esbuild;
    this.#types = types;
  }

  /** Of a file in a package, by its absolute path. */
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
        // CommonJS has no such await, so that esbuild complains of each.
        format: 'cjs',
        plugins: [{ name: 'modules', setup: (build) => this.#passOverCommonJs(build) }],
      });
      return false;
    } catch (error) {
      // All that esbuild rejects with.
      return (error as BuildFailure).errors.some(({ text }) => text.startsWith('Top-level await'));
    }
  }

  /** Nothing can be awaited at the top of it, nor of what it requires. */
  #passOverCommonJs(build: PluginBuild): void {
    build.onLoad({ filter: /./ }, ({ path }) => (isEsModule(path, this.#types) ? undefined : { contents: '' }));
  }
}
