import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The time of the last change, in ms, of a file or of the files in a folder at any depth; 0 if there is none. */
export function newestOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestOf(join(path, name))), 0);
}
