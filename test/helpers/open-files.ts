import { readdirSync, readlinkSync } from 'node:fs';

/** Whether this process has the file with this path, which must have no symlinks, open. */
export function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the descriptor of /proc itself, or one that is closed by now
    }
  });
}
