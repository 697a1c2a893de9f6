import { readFile } from 'node:fs/promises';
import { extname, relative, resolve } from 'node:path';
import type { Loader, OnLoadResult, Plugin } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { HOOKS } from './module-hooks.ts';
import { toConstants } from './source-constants.ts';
import type { ToSource } from './source-problems.ts';
import { SHIELD, withoutShield } from './stand-ins.ts';

/** Changes the text of a file before it is compiled; the lines must stay where they are. */
export type Rewrite = (text: string, file: string) => string;

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

export interface SourceFiles {
  readonly plugin: Plugin;
  /** The broken files that were asked for, each once. */
  brokenSeen(): readonly Problem[];
  readonly toSource: ToSource;
}

export interface SourceFilesParts {
  readonly root: string;
  /** By absolute path. A file that cannot be read is added. */
  readonly broken: Map<string, Problem>;
  readonly rewrite?: Rewrite | undefined;
}

/** Hands the user's files to esbuild, each with the constants that say where it stands. */
export function sourceFiles({ root, broken, rewrite = (text) => text }: SourceFilesParts): SourceFiles {
  const seen = new Map<string, Problem>();
  /** By how many columns the first line of a file was moved to the right. */
  const shifts = new Map<string, number>();

  async function load(file: string): Promise<OnLoadResult | undefined> {
    const loader = LOADERS[extname(file)];
    const found = broken.get(file) ?? (loader && (await read(file)));
    if (found === undefined) return undefined;
    if (typeof found !== 'string') {
      broken.set(file, found);
      seen.set(file, found);
      return { contents: toBrokenFacade(relative(root, file)), loader: 'js' };
    }
    const prefix = toConstants(found, relative(root, file));
    const text = prefix + rewrite(withoutHashbang(found), file);
    shifts.set(file, prefix.length);
    return { contents: text, loader: loader ?? 'js' };
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
        build.onResolve({ filter: FACADE }, ({ path }) => {
          const [, file = ''] = FACADE.exec(path) ?? [];
          return { path: file + SHIELD, namespace: 'broken' };
        });
        build.onLoad({ filter: /./, namespace: 'broken' }, ({ path }) => ({
          contents: toThrowing(broken.get(resolve(root, withoutShield(path)))),
        }));
        build.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => load(path));
      },
    },
    brokenSeen: () => [...seen.values()],
    toSource(file, { line, column: bytes, lineText }) {
      const column = Buffer.from(lineText).subarray(0, bytes).toString().length;
      return { line, column: (line === 1 ? column - (shifts.get(file) ?? 0) : column) + 1 };
    },
  };
}

const FACADE = /^nexthop-broken:(.*)$/;

/**
 * Stands in a file's own place and hands on all of a module of CommonJS, whose names are open until it runs: any may be imported. In the file's own
 * namespace CommonJS would be refused where the extension or a package.json says that it is an ES module.
 */
function toBrokenFacade(file: string): string {
  const name = JSON.stringify(`nexthop-broken:${file}`);
  return `export * from ${name}; export { default } from ${name};`;
}

function toThrowing(problem: Problem | undefined): string {
  return `module.exports = {}; ${HOOKS}.broken(${JSON.stringify(problem)});`;
}

function withoutHashbang(text: string): string {
  return text.startsWith('#!') ? `//${text}` : text;
}
