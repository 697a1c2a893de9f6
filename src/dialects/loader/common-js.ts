import { relative } from 'node:path';
import type { Loader, PluginBuild, TransformOptions } from 'esbuild';
import { isEsModule, type ModuleTypes } from './await-search.ts';
import { SOURCE_CONSTANTS } from './source-constants.ts';

/** Finds variables that only CommonJS has. */
const MENTIONS = /\bmodule\s*[.[]|[=(,:]\s*module\b|\bexports\b/;

/**
 * Lines of comments, which often mention these variables. A test of the text costs far less than
 * parsing.
 */
const COMMENTS = /^\s*(?:\/\/|\/?\*).*$/gm;

/** Code that checks for these variables runs as an ES module, too. */
const CHECKS = /\btypeof\s+(?:module|exports)\b/;

const MODULE_SYNTAX = /(?:^|[;}\n])\s*(?:import(?:\s+\w|\s*[{*"'])|export(?:\s+\w|\s*[{*]))/;

/** Whether code seems to need variables that only CommonJS has. */
export function mayUseCommonJs(text: string): boolean {
  return MENTIONS.test(text) && MENTIONS.test(text.replaceAll(COMMENTS, '')) && !CHECKS.test(text);
}

/**
 * Converts files to CommonJS that are ES modules by their syntax, their extension or their
 * `package.json`, but use `module` or `exports`. Bundlers that convert every file to CommonJS
 * accept these; in Node and in esbuild's ES modules the variables do not exist.
 */
export class CommonJsFiles {
  readonly #esbuild: PluginBuild['esbuild'];
  readonly #root: string;
  readonly #types: ModuleTypes = new Map();

  constructor(esbuild: PluginBuild['esbuild'], root: string) {
    this.#esbuild = esbuild;
    this.#root = root;
  }

  /** The file as CommonJS; undefined if it needs no conversion or cannot be converted. */
  async convert(text: string, file: string, loader: Loader): Promise<string | undefined> {
    if (!mayUseCommonJs(text) || !this.#isModule(text, file)) return undefined;
    try {
      const { code } = await this.#transform(text, { loader, define: PROBES });
      if (!Object.values(PROBES).some((probe) => code.includes(probe))) return undefined;
      return await this.#toCommonJs(text, file, loader);
    } catch {
      // It cannot be parsed, or has a top-level await, which CommonJS lacks. The build of it as an
      // ES module reports the syntax error, or works.
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

/**
 * esbuild replaces these variables, where the file does not declare them itself, by these names.
 */
const PROBES = { module: '__nexthop_module', exports: '__nexthop_exports' } as const;
