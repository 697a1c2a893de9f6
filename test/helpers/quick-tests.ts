import { join } from 'node:path';
import { readSourceTree, type SourceFile } from './source-tree.ts';

/**
 * A test file that imports one of these, itself or through helpers, is slow: processes, a whole edge, a store on the disk, a site that is compiled and
 * served, servers of other frameworks, compressed bodies.
 */
export const SLOW_IMPORTS = [
  'node:child_process',
  'test/helpers/edge.ts',
  'test/helpers/sqlite-store.ts',
  'test/helpers/dialect-server.ts',
  'test/helpers/host-servers.ts',
  'test/helpers/coding-origin.ts',
];

/** Other test files that take more than a second of CPU. */
export const SLOW_FILES = [
  'test/dialects/loader/broken-configs.ts',
  'test/dialects/netlify/find/to-pattern.ts',
  'test/dialects/netlify/rules/oracle.ts',
  'test/hop/tunnel-leave.ts',
  'test/hop/tunnel-refusal.ts',
  'test/http/coded-bytes.ts',
  'test/wire/differential.ts',
  'test/wire/node-table.ts',
];

/** The test files of `npm run test:quick`, from all files below `test/`. */
export function quickTests(files: readonly SourceFile[], slowFiles: readonly string[] = SLOW_FILES): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('test/helpers/') && !slowFiles.includes(path))
    .filter((path) => !importsOf(path, byPath).some((imported) => SLOW_IMPORTS.includes(imported)));
}

/** Names of packages and paths of files that a file imports, and its helpers do. */
function importsOf(path: string, byPath: ReadonlyMap<string, SourceFile>): readonly string[] {
  const found = new Set<string>();
  const add = (from: string): void => {
    for (const { specifier, file } of byPath.get(from)?.imports ?? []) {
      const imported = file ?? specifier;
      if (found.has(imported)) continue;
      found.add(imported);
      add(imported);
    }
  };
  add(path);
  return [...found];
}

if (import.meta.main) {
  const files = await readSourceTree(join(import.meta.dirname, '../..'), ['test']);
  process.stdout.write(`${quickTests(files).join('\n')}\n`);
}
