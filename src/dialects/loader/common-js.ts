import { relative } from 'node:path';
import type { Loader, PluginBuild, TransformOptions } from 'esbuild';
import { isEsModule, type ModuleTypes } from './await-search.ts';
import { SOURCE_CONSTANTS } from './source-constants.ts';

/** What only CommonJS has and an ES module lacks. */
const MENTIONS = /\bmodule\s*[.[]|[=(,:]\s*module\b|\bexports\b/;

/** Lines of comments, which often speak of them. A look at the syntax costs far more than one at the text. */
const COMMENTS = /^\s*(?:\/\/|\/?\*).*$/gm;

/** Asks whether it is there, and so runs as either. */
const ASKS = /\btypeof\s+(?:module|exports)\b/;

const MODULE_SYNTAX = /(?:^|[;}\n])\s*(?:import(?:\s+\w|\s*[{*"'])|export(?:\s+\w|\s*[{*]))/;

/**
 * Makes CommonJS of files that are ES modules by their syntax, their extension or their `package.json` and use `module` or `exports` all the same: bundlers that make
 * CommonJS of every file take them, where Node and esbuild's ES modules have no such variables.
 */
export class CommonJsFiles {
  readonly #esbuild: PluginBuild['esbuild'];
  readonly #root: string;
  readonly #types: ModuleTypes = new Map();

  constructor(esbuild: PluginBuild['esbuild'], root: string) {
    this.#esbuild = esbuild;
    this.#root = root;
  }

  /** The text as CommonJS; undefined for a file that esbuild takes as it is, or that cannot be CommonJS. */
  async convert(text: string, file: string, loader: Loader): Promise<string | undefined> {
    if (!MENTIONS.test(text) || !MENTIONS.test(text.replaceAll(COMMENTS, ''))) return undefined;
    if (ASKS.test(text) || !this.#isModule(text, file)) return undefined;
    try {
      const { code } = await this.#transform(text, { loader, define: PROBES });
      if (!Object.values(PROBES).some((probe) => code.includes(probe))) return undefined;
      return await this.#toCommonJs(text, file, loader);
    } catch {
      // It does not parse, or awaits something at its top, which CommonJS cannot: as an ES module it is told of with its place, or runs.
      return undefined;
    }
  }

  #isModule(text: string, file: string): boolean {
    return MODULE_SYNTAX.test(text) || isEsModule(file, this.#types);
  }

  async #toCommonJs(text: string, file: string, loader: Loader): Promise<string> {
    const { code, map } = await this.#transform(text, {
      loader,
      format: 'cjs',
      define: SOURCE_CONSTANTS,
      sourcemap: 'external',
      sourcesContent: false,
    });
    const source = { ...JSON.parse(map), sources: [relative(this.#root, file)] };
    const encoded = Buffer.from(JSON.stringify(source)).toString('base64');
    return `${code}//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
  }

  #transform(text: string, options: TransformOptions): Promise<{ readonly code: string; readonly map: string }> {
    return this.#esbuild.transform(text, { ...options, platform: 'node', target: 'node24', logLevel: 'silent' });
  }
}

/** esbuild puts these in the place of variables that the file does not declare itself. */
const PROBES = { module: '__nexthop_module', exports: '__nexthop_exports' } as const;
