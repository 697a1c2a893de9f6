import { realpathSync } from 'node:fs';

/** A folder as Node and esbuild name what is in it: without links. One that is not there comes back as it is. */
export function toRealPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    // Whoever reads it says so.
    return folder;
  }
}
