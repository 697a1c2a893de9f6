import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Problem } from '../../contract/problem.ts';

const FUNCTION_FOLDERS = ['cloud-functions', 'node-functions'];

const OTHER_LANGUAGES: Readonly<Record<string, RegExp>> = { Python: /\.py$/, Go: /\.go$/ };

/**
 * One warning for each kind of code that EdgeOne runs and nexthop does not, with its files: functions
 * and agents in other languages. Never rejects: a folder that cannot be read counts as empty.
 */
export async function findUnused(root: string): Promise<readonly Problem[]> {
  const [agents, functions] = await Promise.all([
    filesIn(root, 'agents'),
    Promise.all(FUNCTION_FOLDERS.map((folder) => filesIn(root, folder))),
  ]);
  const others = [...functions.flat(), ...agents];
  return [
    ...Object.entries(OTHER_LANGUAGES).flatMap(([language, extension]) => {
      const files = others.filter((file) => extension.test(file));
      const message = `is in ${language}, which nexthop does not run; its path goes to the next hop`;
      return toProblem(files[0] ?? '', message, files);
    }),
  ];
}

/** Sorted paths relative to the site, without helpers, dotfiles and `node_modules`. */
async function filesIn(root: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (/^[._]|^node_modules$/.test(entry.name)) return [];
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? filesIn(root, path) : [path];
    }),
  );
  return found.flat().sort();
}

const MOST_NAMES = 10;

function toProblem(file: string, message: string, files: readonly string[]): readonly Problem[] {
  if (files.length === 0) return [];
  const more = files.length > MOST_NAMES ? ` and ${files.length - MOST_NAMES} more` : '';
  const names = files.length > 1 || files[0] !== file ? `: ${files.slice(0, MOST_NAMES).join(', ')}${more}` : '';
  return [{ severity: 'warning', file, message: message + names }];
}
