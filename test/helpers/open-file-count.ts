import { readdirSync, readlinkSync } from 'node:fs';

/** The number of this process's descriptors of files below a folder. */
export function openFileCount(folder: string): number {
  return readdirSync('/proc/self/fd').filter((name) => fileOf(name).startsWith(`${folder}/`)).length;
}

function fileOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return ''; // closed since it was listed
  }
}
