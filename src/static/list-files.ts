import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { FileFolder, IgnoredFile } from '../contract/dialect.ts';
import { hasCode, isMissingFile } from '../contract/error-code.ts';
import { messageOf } from '../contract/error-message.ts';
import { findNearEntries } from '../contract/near-entries.ts';
import { didYouMean, type Problem } from '../contract/problem.ts';
import { isPrivateName } from './private-names.ts';

/** A folder of files whose path is known. */
export type NamedFolder = FileFolder & { readonly folder: string };

export interface ListingParts {
  /** Absolute path of the site. */
  readonly root: string;
  /** The folder whose files are listed, relative to the site. */
  readonly folder: string;
  readonly namedBy?: NonNullable<FileFolder['namedBy']>;
  /** Absolute paths of files and folders that are never listed, also not through links. */
  readonly secrets: ReadonlySet<string>;
  /** Names of dot folders in the root of the folder that are listed nevertheless. */
  readonly dotFolders: readonly string[];
  /** The folder is the top of the site: files that look like settings or secrets are not listed. */
  readonly isTop?: boolean;
}

/** A file that may be served. */
export interface ListedFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  /** Absolute, without links. */
  readonly realPath: string;
}

/** A folder that was listed, with its state just before. */
export interface VisitedFolder {
  readonly path: string;
  /** Undefined if its state could not be read. */
  readonly stats: Stats | undefined;
  readonly seenAtMs: number;
}

export interface FileListing {
  readonly files: readonly ListedFile[];
  /** All files and folders whose changes may change the listing. */
  readonly folders: readonly VisitedFolder[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** Names of files that look like settings or secrets, relative to the folder. */
  readonly private: readonly string[];
}

/**
 * Lists the files of a folder and of its subfolders, in the order of their paths. Left out without
 * a message: dot files, dot folders that were not requested, `node_modules`, files with rules for a
 * platform, and everything that is not a file. Reported as ignored: links that lead out of the
 * served folder, to nothing, or in a circle, and private files at the top of a site. Never rejects: what cannot be read becomes a problem.
 */
export async function listFiles(parts: ListingParts): Promise<FileListing> {
  const walk = new Walk(parts);
  await walk.start();
  walk.private.sort();
  walk.files.sort((left, right) => (left.path < right.path ? -1 : 1));
  walk.ignored.sort((left, right) => (left.file < right.file ? -1 : 1));
  return walk;
}

/**
 * A warning about a folder of files as a whole, at the setting that names it. `message` continues a
 * sentence whose subject is the folder.
 */
export function toFolderProblem(
  { folder, namedBy }: Pick<NamedFolder, 'folder' | 'namedBy'>,
  message: string,
): Problem {
  if (!namedBy) return { severity: 'warning', file: folder, message };
  const { key, ...place } = namedBy;
  return { severity: 'warning', ...place, message: `${key} names ${folder}, which ${message}` };
}

/**
 * Platforms read these files in the root of the folder and do not serve them: they may contain
 * passwords (`Basic-Auth`).
 */
const RULES: readonly string[] = ['_headers', '_redirects'];

/** Also under a misspelt name, such as `_header` or `_headers.txt`. */
function isOfRules(name: string): boolean {
  if (!name.startsWith('_')) return false;
  const entries = [{ name, isFolder: false }];
  return RULES.some((each) => name === each || findNearEntries(entries, { name: each, isFolder: false }).length > 0);
}

/** A folder that is being listed, with the real paths of the folders that lead to it. */
interface Step {
  /** Relative to the folder that is listed; '' for that folder itself. */
  readonly path: string;
  readonly realPath: string;
  readonly above: readonly string[];
}

class Walk implements FileListing {
  readonly files: ListedFile[] = [];
  readonly folders: VisitedFolder[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly private: string[] = [];
  readonly #parts: ListingParts;
  #realRoot = '';

  constructor(parts: ListingParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { root, folder } = this.#parts;
    // It may be a link that leads elsewhere later.
    await this.#note(join(root, folder));
    try {
      this.#realRoot = await realpath(join(root, folder));
    } catch (error) {
      await this.#complainOfAll(error);
      return;
    }
    await this.#visit({ path: '', realPath: this.#realRoot, above: [] });
  }

  async #visit(step: Step): Promise<void> {
    await this.#note(step.realPath);
    let entries: readonly Dirent[];
    try {
      entries = await readdir(step.realPath, { withFileTypes: true });
    } catch (error) {
      if (step.path === '') await this.#complainOfAll(error);
      else this.#complain(step.path, error);
      return;
    }
    const deeper: Promise<void>[] = [];
    for (const entry of entries) {
      if (this.#isHidden(entry.name, step.path)) continue;
      const path = step.path === '' ? entry.name : `${step.path}/${entry.name}`;
      const realPath = step.realPath + sep + entry.name;
      if (entry.isSymbolicLink()) deeper.push(this.#follow(path, realPath, step));
      else if (this.#parts.secrets.has(realPath)) continue;
      else if (entry.isDirectory()) deeper.push(this.#visit({ path, realPath, above: [...step.above, step.realPath] }));
      else if (entry.isFile() && this.#isPrivate(path)) this.private.push(path);
      else if (entry.isFile()) this.files.push({ path, realPath });
    }
    await Promise.all(deeper);
  }

  async #follow(path: string, link: string, step: Step): Promise<void> {
    const above = [...step.above, step.realPath];
    try {
      const realPath = await realpath(link);
      const found = await stat(realPath);
      if (!this.#isInside(realPath)) this.#ignore(path, 'a link out of what is served');
      else if (above.includes(realPath)) this.#ignore(path, 'a link back to where it stands');
      else if (found.isDirectory()) await this.#visit({ path, realPath, above });
      else if (this.#isPrivate(path) || this.#isPrivate(relative(this.#realRoot, realPath))) this.private.push(path);
      else if (found.isFile()) this.files.push({ path, realPath });
    } catch {
      // The author should know that the link does not work, for any reason.
      this.#ignore(path, 'a link to nowhere');
    }
  }

  /** A file that is excluded by its name must not be reachable by a link with another name. */
  #isInside(realPath: string): boolean {
    const path = relative(this.#realRoot, realPath);
    const names = path.split(sep);
    if (names.some((name, depth) => this.#isHidden(name, names.slice(0, depth).join('/')))) return false;
    return !names.some((_, depth) => this.#parts.secrets.has(join(this.#realRoot, ...names.slice(0, depth + 1))));
  }

  #isPrivate(path: string): boolean {
    return this.#parts.isTop === true && isPrivateName(basename(path), !path.includes('/'));
  }

  #ignore(path: string, reason: string): void {
    this.ignored.push({ file: this.#toFile(path), reason });
  }

  #complain(path: string, error: unknown): void {
    const message = `cannot be read: ${messageOf(error)}`;
    this.problems.push({ severity: 'warning', file: this.#toFile(path), message });
  }

  /** About the folder itself. */
  async #complainOfAll(error: unknown): Promise<void> {
    const { root, folder } = this.#parts;
    const isFile = hasCode(error, 'ENOTDIR');
    if (!isFile && !isMissingFile(error)) {
      this.problems.push(toFolderProblem(this.#parts, `cannot be read: ${messageOf(error)}`));
      return;
    }
    const parent = dirname(join(root, folder));
    const names = await readdir(parent, { withFileTypes: true }).catch(() => []);
    const folders = names.filter((each) => each.isDirectory()).map(({ name }) => name);
    const what = isFile ? 'is no folder' : 'does not exist';
    const hint = didYouMean(basename(folder), folders);
    this.problems.push(toFolderProblem(this.#parts, `${what}, so no files are served${hint}`));
  }

  #toFile(path: string): string {
    return join(this.#parts.folder, path);
  }

  /** `above`: the parent folder, relative to the one that is listed. `..` is hidden, too. */
  #isHidden(name: string, above: string): boolean {
    if (name.startsWith('.')) return name === '..' || above !== '' || !this.#parts.dotFolders.includes(name);
    return name === 'node_modules' || (above === '' && isOfRules(name));
  }

  /** Call it before the folder is listed, so that a change in the meantime is noticed. */
  async #note(path: string): Promise<void> {
    const seenAtMs = Date.now();
    const stats = await stat(path).catch(() => undefined);
    this.folders.push({ path, stats, seenAtMs });
  }
}
