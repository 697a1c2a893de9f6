import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

// A list, because the PATH of a normal user on Debian does not have /usr/sbin, where the servers are.
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The path of a program of the system, or undefined if it is not installed. */
export function findTool(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

/** The path of a program that the bench needs. If it is missing, the error has the command that installs its Debian package. */
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
    // Missing or not executable for this user.
    return false;
  }
}
