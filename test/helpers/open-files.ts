import { readdirSync, readlinkSync } from 'node:fs';

/** Whether this process has a file open under this very path, which no symlink is part of. */
export function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // it was that of the folder itself, or is closed by now
    }
  });
}
