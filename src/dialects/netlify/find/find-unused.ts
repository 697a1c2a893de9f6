import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../../contract/problem.ts';

/** The folders where the platform finds edge functions of users and of frameworks. */
const EDGE_FOLDERS = ['netlify/edge-functions', '.netlify/edge-functions'];

/**
 * Finds files of the site that Netlify runs and nexthop does not. The site may rely on any of them
 * for access control.
 */
export async function findUnused(root: string): Promise<readonly Problem[]> {
  const found = await Promise.all(EDGE_FOLDERS.map((folder) => isFilled(join(root, folder))));
  return EDGE_FOLDERS.filter((_, index) => found[index]).map((file) =>
    toProblem(file, 'holds edge functions, which run on Deno and not here; their checks and changes are not applied'),
  );
}

function toProblem(file: string, message: string): Problem {
  return { severity: 'warning', file, message };
}

/** False if the folder does not exist, is no folder, or is not readable. */
async function isFilled(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length > 0;
}
