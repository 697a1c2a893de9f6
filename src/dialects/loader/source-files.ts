import { readFile } from 'node:fs/promises';
import { dirname, extname, relative } from 'node:path';
import type { Loader, OnLoadResult, Plugin } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { PATH_OF, URL_OF } from './place-module.ts';

/** Changes the text of a file before it is compiled; the lines must stay where they are. */
export type Rewrite = (text: string, file: string) => string;

/**
 * Everything lands in one file, but code must find its neighbours (data, templates) where it was written.
 * esbuild replaces these only where they are free: a user's own `const __dirname` is left alone.
 */
export const SOURCE_CONSTANTS: Record<string, string> = {
  __filename: '__nexthop_filename',
  __dirname: '__nexthop_dirname',
  'import.meta.filename': '__nexthop_filename',
  'import.meta.dirname': '__nexthop_dirname',
  'import.meta.url': '__nexthop_url',
};

const MENTIONS_CONSTANT = /\b__(?:file|dir)name\b|\bimport\s*\.\s*meta\b/;

/** `.js` as JSX: every plain script is one, and React projects write it so. */
const LOADERS: Readonly<Record<string, Loader>> = {
  '.js': 'jsx',
  '.cjs': 'js',
  '.mjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.cts': 'ts',
  '.mts': 'ts',
  '.tsx': 'tsx',
};

const MARK = 'nexthop-broken:';
const BROKEN = new RegExp(`^${MARK}`);

export interface SourceFiles {
  readonly plugin: Plugin;
  /** The broken files that were asked for, each once. */
  brokenSeen(): readonly Problem[];
  /** By how many columns the first line of a file was moved to the right. */
  shiftOf(file: string): number;
}

export interface SourceFilesParts {
  readonly root: string;
  readonly broken: Map<string, Problem>;
  readonly rewrite?: Rewrite | undefined;
}

/** Hands the user's files to esbuild, each with the constants that say where it stands. */
export function sourceFiles({ root, broken, rewrite = (text) => text }: SourceFilesParts): SourceFiles {
  const seen = new Map<string, Problem>();
  const shifts = new Map<string, number>();

  async function load(file: string): Promise<OnLoadResult | undefined> {
    const problem = broken.get(file) ?? (LOADERS[extname(file)] ? await read(file) : undefined);
    if (problem === undefined) return undefined;
    if (typeof problem !== 'string') {
      broken.set(file, problem);
      seen.set(file, problem);
      return { contents: toStandIn(file), loader: 'js' };
    }
    const prefix = MENTIONS_CONSTANT.test(problem) ? toConstants(relative(root, file)) : '';
    shifts.set(file, prefix.length);
    return { contents: prefix + rewrite(withoutHashbang(problem), file), loader: LOADERS[extname(file)] ?? 'js' };
  }

  async function read(file: string): Promise<string | Problem> {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      return { severity: 'error', file: relative(root, file), message: `cannot be read: ${String(error)}` };
    }
  }

  return {
    plugin: {
      name: 'source-files',
      setup(build) {
        // A link that leads nowhere would not even be resolved.
        build.onResolve({ filter: /^\// }, ({ path }) => (broken.has(path) ? { path } : undefined));
        build.onResolve({ filter: BROKEN }, ({ path }) => ({ path: path.slice(MARK.length), namespace: 'broken' }));
        build.onLoad({ filter: /./, namespace: 'broken' }, ({ path }) => ({ contents: toThrowing(broken.get(path)) }));
        build.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => load(path));
      },
    },
    brokenSeen: () => [...seen.values()],
    shiftOf: (file) => shifts.get(file) ?? 0,
  };
}

/** On the first line itself, so that all others keep their numbers. The file is relative to the site, wherever that will be. */
function toConstants(file: string): string {
  const [name, folder] = [file, dirname(file)].map((path) => JSON.stringify(path));
  return `var __nexthop_filename=${PATH_OF}(${name}),__nexthop_dirname=${PATH_OF}(${folder}),__nexthop_url=${URL_OF}(${name});`;
}

function withoutHashbang(text: string): string {
  return text.startsWith('#!') ? `//${text}` : text;
}

/** Any name may be imported from it: a missing one would be the next error of the build. */
function toStandIn(file: string): string {
  const name = JSON.stringify(`${MARK}${file}`);
  return `export * from ${name}; export { default } from ${name};`;
}

/** As CommonJS, whose names are open until it runs. It needs a namespace of its own, as no file of a package of ES modules may be CommonJS. */
function toThrowing(problem: Problem | undefined): string {
  return `module.exports = {}; throw new SyntaxError(${JSON.stringify(problem ? describe(problem) : '')});`;
}

function describe({ file, line, column, message }: Problem): string {
  return line === undefined ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;
}
