import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderEntry, findNearEntries } from '../../contract/near-entries.ts';

/**
 * The folders or files of the site that are most likely meant by `wanted`, which does not exist; paths relative to the site.
 * Each part of the path may be misspelt. Empty if `wanted` exists. Never rejects: what cannot be read counts as empty.
 */
export async function findNearPaths(root: string, wanted: string, kind: 'file' | 'folder'): Promise<readonly string[]> {
  // By its path: the file system may take another case for the same name.
  if (await stat(join(root, wanted)).catch(() => undefined)) return [];
  const parts = wanted.split('/').filter((part) => part !== '' && part !== '.');
  let found: readonly string[] = [''];
  for (const [index, name] of parts.entries()) {
    const part = { name, isFolder: kind === 'folder' || index < parts.length - 1 };
    const deeper = await Promise.all(found.map(async (folder) => step(folder, part, await list(join(root, folder)))));
    found = deeper.flat();
  }
  return found;
}

function step(folder: string, part: FolderEntry, entries: readonly FolderEntry[]): readonly string[] {
  const isThere = entries.some(({ name, isFolder }) => name === part.name && isFolder === part.isFolder);
  return (isThere ? [part.name] : findNearEntries(entries, part)).map((name) => join(folder, name));
}

async function list(folder: string): Promise<readonly FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() })).sort(byName);
}

function byName(left: FolderEntry, right: FolderEntry): number {
  return left.name < right.name ? -1 : 1;
}

/**
 * Whether a path is a link to something that does not exist, e.g. to a volume that is not mounted yet. What it stands for was not removed: a guard there
 * must not be lost as one that its author has deleted.
 */
export async function isDeadLink(path: string): Promise<boolean> {
  if (await stat(path).catch(() => undefined)) return false;
  const link = await lstat(path).catch(() => undefined);
  return link?.isSymbolicLink() ?? false;
}

/** The message about such a file. */
export const DEAD_LINK = 'is a link to a file that does not exist';

/** How many files are searched for an import. */
const MOST_FILES = 1000;

/** A text that may name a module by its path. */
const SPECIFIER = /(["'`])([@~.#\w-]*\/[^"'`\n]*)\1/g;

const TEST = /(?:^|\/)(?:__)?tests?(?:__)?\/|\.(?:test|spec)\.[^./]+$/;

/** Whether other code of the site, tests excepted, seems to import a file, relative to the site, by its path. Never rejects. */
export async function isImported(root: string, file: string): Promise<boolean> {
  const wanted = toStem(file);
  const folders = [''];
  let count = 0;
  for (const folder of folders) {
    for (const { name, isFolder } of await list(join(root, folder))) {
      const path = join(folder, name);
      if (isFolder && !/^\.|^node_modules$/.test(name)) folders.push(path);
      if (isFolder || !/\.[cm]?[jt]sx?$/.test(name) || TEST.test(path) || path === file) continue;
      if (++count > MOST_FILES) return false;
      const text = await readFile(join(root, path), 'utf8').catch(() => '');
      for (const [, , specifier = ''] of text.matchAll(SPECIFIER)) {
        const isRelative = specifier.startsWith('.');
        const stem = toStem(isRelative ? join(folder, specifier) : specifier);
        // An alias, such as `@/lib/a`, ends with the path.
        if (stem === wanted || (!isRelative && stem.endsWith(`/${wanted}`))) return true;
      }
    }
  }
  return false;
}

/** A path without its extension, and without `index`, as imports may name it. */
function toStem(path: string): string {
  return path.replace(/\.[cm]?[jt]sx?$/, '').replace(/\/(?:index)?$/, '');
}
