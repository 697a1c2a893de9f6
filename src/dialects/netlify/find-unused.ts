import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../site/problem.ts';

/** Where the platform finds edge functions, of users and of frameworks. */
const EDGE_FOLDERS = ['netlify/edge-functions', '.netlify/edge-functions'];

/** Code of the site that Netlify would run and nobody does here; one of them may be what guards the site. */
export async function findUnused(root: string): Promise<readonly Problem[]> {
  const found = await Promise.all(EDGE_FOLDERS.map((folder) => isFilled(join(root, folder))));
  return EDGE_FOLDERS.filter((_, index) => found[index]).map((file) => ({
    severity: 'warning',
    file,
    message: 'holds edge functions, which run on Deno and not here; what they guard or change is left as it is',
  }));
}

/** False for what is not there, is no folder, or may not be read. */
async function isFilled(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.length > 0;
}
