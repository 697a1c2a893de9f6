import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder with its parents, all in this mode; returns the first one that was made, undefined if all were there. Throws errors of node:fs. What stands there
 * and is no folder is told by whoever uses it as one.
 *
 * Node's own recursive mkdir never returns where a folder can neither be made nor be found, as below /proc: it asks again for ever.
 */
export function makeFolder(path: string, mode = 0o777): string | undefined {
  try {
    return makeOne(path, mode);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  const first = makeFolder(dirname(path), mode);
  const made = makeOne(path, mode);
  return first ?? made;
}

/** Another process may make it at the same time. */
function makeOne(path: string, mode: number): string | undefined {
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
