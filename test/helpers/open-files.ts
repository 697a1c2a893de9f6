import { readdirSync, readlinkSync } from 'node:fs';

/** Whether this process has the file with this path, which must have no symlinks, open. */
export function isOpen(path: string): boolean {
  return openPaths().includes(path);
}

/** The number of this process's descriptors of files below a folder, whose path must have no symlinks. */
export function openFileCount(folder: string): number {
  return openPaths().filter((path) => path.startsWith(`${folder}/`)).length;
}

function openPaths(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      return []; // the descriptor of /proc itself, or one that is closed by now
    }
  });
}
