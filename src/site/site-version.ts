import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Folders at any depth that are not the site, or whose content is named by a lock file of the site. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', '.git', '.nexthop']);

/** Databases and logs that a site writes beside its code. */
const RUNTIME_FILE = /\.(?:db|sqlite3?|log|pid|tmp)(?:-\w+)?$/;

/** Larger files are compared by size and time. */
const READ_BYTES = 1024 * 1024;

/** More files are not looked at. */
const MOST_FILES = 20_000;

export interface SiteFolder {
  /** Absolute. */
  readonly root: string;
  /** Absolute paths of folders in the site that are written while it runs. */
  readonly ignored: readonly string[];
  /** When the code of the site was read, in milliseconds since the epoch. */
  readonly readAtMs: number;
}

/**
 * A text that is the same for the same files of a site, on every machine, and another one after a deploy. Files that cannot be read
 * count as absent. If a file has changed since the code was read, it is not known what the code belongs to, and the text is
 * one of a kind.
 */
export async function findSiteVersion({ root, ignored, readAtMs }: SiteFolder): Promise<string> {
  const hash = createHash('sha256');
  let left = MOST_FILES;
  let isChanged = false;
  const add = async (path: string): Promise<void> => {
    try {
      const { size, mtimeMs, ctimeMs } = await stat(path);
      isChanged ||= ctimeMs > readAtMs;
      hash
        .update(`\0${relative(root, path)}\0`)
        .update(size > READ_BYTES ? `${size} ${mtimeMs}` : await readFile(path));
    } catch {
      // It was removed, or belongs to another user.
    }
  };
  const walk = async (folder: string): Promise<void> => {
    const names = await readdir(folder, { withFileTypes: true }).catch(() => []);
    names.sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const entry of names) {
      const path = join(folder, entry.name);
      if (SKIPPED.has(entry.name) || RUNTIME_FILE.test(entry.name) || ignored.includes(path)) continue;
      if (entry.isDirectory()) await walk(path);
      else if (left-- > 0) await add(path);
    }
  };
  await walk(root);
  return isChanged ? randomUUID() : hash.digest('base64url');
}
