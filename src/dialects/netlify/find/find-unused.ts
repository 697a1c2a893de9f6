import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** Where the platform finds edge functions, of users and of frameworks. */
const EDGE_FOLDERS = ['netlify/edge-functions', '.netlify/edge-functions'];

/** Files with rules, which the platform reads in the folder that is published. */
const RULES: readonly (readonly [name: string, message: string])[] = [
  ['_redirects', 'is not read: rules are those of [[redirects]] in netlify.toml'],
  ['_headers', 'is not read: what it sets is not set here, and a Basic-Auth in it guards nothing'],
];

/** Where a site that names no folder may have them. */
const PUBLISHED = ['public', 'dist', '.'];

/**
 * What stands in the site that Netlify would run or read and nobody does here; any of it may be what guards the site. `publish`: the folder that
 * netlify.toml names.
 */
export async function findUnused(root: string, publish: string | undefined): Promise<readonly Problem[]> {
  const found = await Promise.all(EDGE_FOLDERS.map((folder) => isFilled(join(root, folder))));
  const edge = EDGE_FOLDERS.filter((_, index) => found[index]).map((file) =>
    toProblem(file, 'holds edge functions, which run on Deno and not here; what they guard or change is left as it is'),
  );
  const rules = await Promise.all(RULES.map((rule) => findRules(root, publish, rule)));
  return [...edge, ...rules.flat()];
}

/** The first of them: what is built is a copy of what stands in `public/`. */
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

/** False for what is not there, is no folder, or may not be read. */
async function isFilled(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length > 0;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
