import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Problem } from '../../contract/problem.ts';
import type { EdgeOneJson } from './config/check-edgeone-json.ts';

const FUNCTION_FOLDERS = ['cloud-functions', 'node-functions'];

const SCRIPT = /\.[cm]?[jt]sx?$/;
const NO_FUNCTION = /\.d\.[cm]?ts$|\.(?:test|spec)\.[^.]+$/;
const OTHER_LANGUAGES: Readonly<Record<string, RegExp>> = { Python: /\.py$/, Go: /\.go$/ };

/**
 * One warning for each kind of code that EdgeOne runs and nexthop does not, with its files: agents,
 * and functions in other languages. Never rejects: a folder that cannot be read counts as empty.
 */
export async function findUnused(root: string, { closesAgents }: EdgeOneJson): Promise<readonly Problem[]> {
  const [agents, functions] = await Promise.all([
    filesIn(root, 'agents'),
    Promise.all(FUNCTION_FOLDERS.map((folder) => filesIn(root, folder))),
  ]);
  const scripts = (files: readonly string[]) => files.filter((file) => SCRIPT.test(file) && !NO_FUNCTION.test(file));
  const answer = closesAgents ? 'answer 503' : 'go to the next hop';
  const others = [...functions.flat(), ...agents];
  return [
    ...toProblem('agents', `holds agents, which nexthop does not run; their paths ${answer}`, scripts(agents)),
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
