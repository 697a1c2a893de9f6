import { realpathSync } from 'node:fs';

/**
 * The path of a folder without symbolic links, as Node and esbuild use it. Returns a path that does
 * not exist as it is.
 */
export function toRealPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    // Code that reads the folder reports the error.
    return folder;
  }
}
