import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** The folders where the platform finds edge functions of users and of frameworks. */
const EDGE_FOLDERS = ['netlify/edge-functions', '.netlify/edge-functions'];

/** Files with rules that the platform reads from the published folder. */
const RULES: readonly (readonly [name: string, message: string])[] = [
  ['_headers', 'is not read: nexthop does not set these headers, and a Basic-Auth among them protects nothing'],
];

/** The folders where a site without `publish` may have such files. */
const PUBLISHED = ['public', 'dist', '.'];

/**
 * Finds files of the site that Netlify runs or reads and nexthop does not. The site may rely on any
 * of them for access control. `publish`: the folder that netlify.toml names.
 */
export async function findUnused(root: string, publish: string | undefined): Promise<readonly Problem[]> {
  const found = await Promise.all(EDGE_FOLDERS.map((folder) => isFilled(join(root, folder))));
  const edge = EDGE_FOLDERS.filter((_, index) => found[index]).map((file) =>
    toProblem(file, 'holds edge functions, which run on Deno and not here; their checks and changes are not applied'),
  );
  const rules = await Promise.all(RULES.map((rule) => findRules(root, publish, rule)));
  return [...edge, ...rules.flat()];
}

/** Only the first file is reported, because a build copies the files of `public/`. */
async function findRules(root: string, publish: string | undefined, [name, message]: (typeof RULES)[number]) {
  for (const folder of publish === undefined ? PUBLISHED : [publish]) {
    const file = join(folder, name);
    if (await isFile(join(root, file))) return [toProblem(file, message)];
  }
  return [];
}

function toProblem(file: string, message: string): Problem {
  return { severity: 'warning', file, message };
}

/** False if the folder does not exist, is no folder, or is not readable. */
async function isFilled(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length > 0;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
