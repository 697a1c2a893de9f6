import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

// Written out because /usr/sbin, where the servers are, is not in the PATH of a plain user on Debian.
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The path of a program of the system, or undefined if it is not installed. */
export function findTool(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

/** The same for one that the bench cannot do without. Throws with the line that installs its Debian package. */
export function needTool(name: string, debianPackage = name): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is missing: ${installLine(debianPackage)}`);
  return path;
}

export function installLine(debianPackage: string): string {
  return `apt-get install -y ${debianPackage}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: either way it cannot be used.
    return false;
  }
}
