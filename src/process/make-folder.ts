import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../contract/error-code.ts';

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
  let made: string | undefined;
  try {
    mkdirSync(path, { mode });
    made = path;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const own = [path, dirname(path)].find((each) => basename(each) === OWN_FOLDER);
  if (own !== undefined) keepOutOfGit(own);
  return made;
}

/** The default DATA_DIR of a site: submissions of forms, sessions and values of functions are there. */
const OWN_FOLDER = '.nexthop';

/** The file itself is committed with what `nexthop vendor` stores: the folder is not new in a clone. */
const IGNORED = `# Data of nexthop stays out of git. What "nexthop vendor" stores is part of the source of the site.
*
!/.gitignore
!/vendor/
!/vendor/**
`;

/** A file that is there stays as it is. */
function keepOutOfGit(folder: string): void {
  try {
    writeFileSync(join(folder, '.gitignore'), IGNORED, { flag: 'wx' });
  } catch {
    // It is there, or the folder cannot be written; nothing else depends on it.
  }
}
