import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and its missing parents with the given mode. Returns the first one that was
 * created; undefined if all existed. Throws errors of node:fs. Does not fail if the path is a file:
 * the code that uses it as a folder reports that.
 *
 * Node's own recursive mkdir never returns for a path that can neither be created nor found, as
 * below /proc: it retries forever.
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

/** Another process may create it at the same time. */
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
