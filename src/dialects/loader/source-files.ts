import { dirname, extname, relative, resolve } from 'node:path';
import type { Loader, Metafile, OnLoadResult, Plugin } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import type { FileFacts } from '../../contract/project.ts';
import { CommonJsFiles, mayUseCommonJs } from './common-js.ts';
import { HOOKS } from './module-hooks.ts';
import { readText } from './read-text.ts';
import { toConstants } from './source-constants.ts';
import type { ToSource } from './source-problems.ts';
import { SHIELD, toUsersFile, withoutShield } from './stand-ins.ts';

/** `.js` is read as JSX: React projects use it so, and every plain script is valid JSX. */
export const LOADERS = {
  '.js': 'jsx',
  '.cjs': 'js',
  '.mjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.cts': 'ts',
  '.mts': 'ts',
  '.tsx': 'tsx',
} as const satisfies Record<string, Loader>;

export interface SourceFiles {
  readonly plugin: Plugin;
  /** The problem of each broken file that the build loaded. */
  brokenSeen(): readonly Problem[];
  /** Whether a file was converted to CommonJS. */
  isMadeCommonJs(file: string): boolean;
  readonly toSource: ToSource;
  /** Whether the build read a file itself of which it is not known that this is enough. */
  hasSkippedOther(metafile: Metafile): boolean;
}

export interface SourceFilesParts {
  readonly root: string;
  /** By absolute path. Files that cannot be read are added. */
  readonly broken: Map<string, Problem>;
  /** esbuild reads files itself of which this says that they need no change. Undefined: none. */
  readonly fileFacts?: FileFacts | undefined;
}

/** How the text of a file was changed for esbuild. */
interface Given {
  /** Number of columns that were added in front of its first line. */
  readonly shift: number;
  /** Set for a file that was converted to CommonJS, which changes its lines. */
  readonly commonJs?: { readonly code: string; readonly source: string };
}

/** Passes the user's files to esbuild, each with constants for its own path. */
export function sourceFiles({ root, broken, fileFacts }: SourceFilesParts): SourceFiles {
  const seen = new Map<string, Problem>();
  const given = new Map<string, Given>();
  const { plain, filter } = toKnown(broken, fileFacts);

  async function load(file: string, commonJsFiles: CommonJsFiles): Promise<OnLoadResult | undefined> {
    const loader = loaderOf(file);
    const found = broken.get(file) ?? (loader && (await read(file)));
    if (found === undefined) return undefined;
    if (typeof found !== 'string') {
      broken.set(file, found);
      seen.set(file, found);
      return { contents: toBrokenFacade(relative(root, file)), loader: 'js' };
    }
    if (loader && (await isPlain(found, file))) return { contents: found, loader };
    const prefix = toConstants(found, relative(root, file));
    const text = prefix + withoutHashbang(found);
    const code = loader && (await commonJsFiles.convert(text, file, loader));
    if (code === undefined) {
      given.set(file, { shift: prefix.length });
      return { contents: text, loader: loader ?? 'js' };
    }
    given.set(file, { shift: 0, commonJs: { code, source: found } });
    return { contents: toCommonJsFacade(relative(root, file)), loader: 'js' };
  }

  async function read(file: string): Promise<string | Problem> {
    try {
      return await readText({ fileFacts }, file);
    } catch (error) {
      return { severity: 'error', file: relative(root, file), message: `cannot be read: ${String(error)}` };
    }
  }

  /** Whether esbuild can take the text as it is. */
  async function isPlain(text: string, file: string): Promise<boolean> {
    const look = async (): Promise<boolean> =>
      toConstants(text, '') === '' && withoutHashbang(text) === text && !mayUseCommonJs(text);
    return fileFacts ? fileFacts.of(file, PLAIN, look) : look();
  }

  return {
    plugin: {
      name: 'source-files',
      setup(build) {
        const commonJsFiles = new CommonJsFiles(build.esbuild, root);
        // esbuild does not resolve a broken symbolic link, and reads a star in a name as a pattern.
        build.onResolve({ filter: toFilter([...broken.keys()], '^/.*\\*') }, ({ path }) =>
          broken.has(path) || path.includes('*') ? { path } : undefined,
        );
        build.onResolve({ filter: FACADE }, ({ path }) => {
          const [, namespace = '', file = ''] = FACADE.exec(path) ?? [];
          return { path: file + SHIELD, namespace };
        });
        build.onLoad({ filter: /./, namespace: 'broken' }, ({ path }) => ({
          contents: toThrowing(broken.get(resolve(root, withoutShield(path)))),
        }));
        build.onLoad({ filter: /./, namespace: 'common-js' }, ({ path }) => {
          const file = resolve(root, withoutShield(path));
          return { contents: given.get(file)?.commonJs?.code ?? '', resolveDir: dirname(file) };
        });
        build.onLoad({ filter, namespace: 'file' }, ({ path }) => load(path, commonJsFiles));
      },
    },
    brokenSeen: () => [...seen.values()],
    hasSkippedOther: ({ inputs }) =>
      plain.size > 0 &&
      Object.keys(inputs).some((name) => {
        const file = toUsersFile(name);
        if (file === undefined || loaderOf(file) === undefined) return false;
        const path = resolve(root, file);
        return !plain.has(path) && !filter.test(path);
      }),
    isMadeCommonJs: (file) => given.get(file)?.commonJs !== undefined,
    toSource(file, { line, column: bytes, lineText }) {
      const { shift = 0, commonJs } = given.get(file) ?? {};
      const column = Buffer.from(lineText).subarray(0, bytes).toString().length;
      if (commonJs) return findLine(commonJs.source, lineText.slice(column));
      return { line, column: (line === 1 ? column - shift : column) + 1 };
    },
  };
}

/** The key of the fact that a file needs no change. */
const PLAIN = 'is plain';

function loaderOf(file: string): Loader | undefined {
  const extension = extname(file);
  return extension in LOADERS ? LOADERS[extension as keyof typeof LOADERS] : undefined; // checked
}

interface Known {
  /** Files that esbuild reads itself: each call of a plugin costs more than the file. */
  readonly plain: ReadonlySet<string>;
  /** Matches the other files that are known; all files if none is plain. */
  readonly filter: RegExp;
}

function toKnown(broken: ReadonlyMap<string, Problem>, fileFacts: FileFacts | undefined): Known {
  const known = [...(fileFacts?.all<boolean>(PLAIN) ?? [])];
  const plain = new Set(known.flatMap(([path, isPlain]) => (isPlain && !broken.has(path) ? [path] : [])));
  const others = known.flatMap(([path, isPlain]) => (isPlain ? [] : [path]));
  return { plain, filter: plain.size === 0 ? /./ : toFilter([...broken.keys(), ...others], '^$') };
}

/** Matches these paths, and what the pattern matches. esbuild takes the syntax that Go and JavaScript share. */
function toFilter(paths: readonly string[], pattern: string): RegExp {
  const escaped = paths.map((path) => `^${path.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
  return new RegExp([pattern, ...escaped].join('|'));
}

const FACADE = /^nexthop-(broken|common-js):(.*)$/;

/**
 * The text of a file that re-exports a CommonJS module in another namespace. Any name may be
 * imported from CommonJS, since its exports are known only when it runs. In the file's own
 * namespace esbuild refuses CommonJS if the extension or a package.json says that it is an ES
 * module.
 */
function toBrokenFacade(file: string): string {
  const name = JSON.stringify(`nexthop-broken:${file}`);
  return `export * from ${name}; export { default } from ${name};`;
}

/** The same, with the file's own default export for every importer. */
function toCommonJsFacade(file: string): string {
  const name = JSON.stringify(`nexthop-common-js:${file}`);
  return `export * from ${name}; const all = require(${name}); export default all?.__esModule ? all.default : all;`;
}

function toThrowing(problem: Problem | undefined): string {
  return `module.exports = {}; ${HOOKS}.broken(${JSON.stringify(problem)});`;
}

function withoutHashbang(text: string): string {
  return text.startsWith('#!') ? `//${text}` : text;
}

/** The location of a quoted text in the source, if it occurs there. */
function findLine(source: string, from: string): ReturnType<ToSource> {
  const [, quoted = ''] = /^["'`]([^"'`]*)/.exec(from) ?? [];
  const index = Math.max(...['"', "'"].map((quote) => source.indexOf(quote + quoted + quote)));
  if (quoted === '' || index < 0) return {};
  const lines = source.slice(0, index).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
