import { readdir, readFile } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { transform } from 'esbuild';

export interface SourceImport {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
  /** Path of the imported file in the same tree; undefined for packages and Node's own modules. */
  readonly file: string | undefined;
}

export interface SourceFile {
  /** From the root of the tree, with forward slashes, e.g. `src/hop/hop.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and types, so that words in comments do not count as code. */
  readonly code: string;
  /** Imports, including those of types: a file that uses a type depends on its room. */
  readonly imports: readonly SourceImport[];
}

/** Every `.ts` and `.js` file below the given folders of `root`, in the order of their paths. */
export async function readSourceTree(root: string, folders: readonly string[]): Promise<SourceFile[]> {
  const paths: string[] = [];
  for (const folder of folders) paths.push(...(await sourcePaths(root, folder)));
  return Promise.all(paths.sort().map(async (path) => toSourceFile(path, await readFile(join(root, path), 'utf8'))));
}

/** A tree written in a test as path → text. */
export async function fakeSourceTree(files: Readonly<Record<string, string>>): Promise<SourceFile[]> {
  return Promise.all(Object.entries(files).map(([path, text]) => toSourceFile(path, text)));
}

async function sourcePaths(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(?:ts|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter((path) => !/(?:^|\/)(?:node_modules|\.[^/]+|fixtures)\//.test(path));
}

async function toSourceFile(path: string, text: string): Promise<SourceFile> {
  await init;
  const [found] = parse(text, path);
  const { code } = await transform(text, { loader: 'ts', legalComments: 'none' });
  const imports = found.flatMap(({ specifier, start }): SourceImport[] => {
    if (!specifier) return [];
    const file = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    return [{ specifier, line: text.slice(0, start).split('\n').length, file }];
  });
  return { path, text, code, imports };
}
