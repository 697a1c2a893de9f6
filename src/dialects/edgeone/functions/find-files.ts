import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Survey } from '../../loader/survey.ts';
import { locateName } from '../locate-name.ts';
import { isHandlerName, mentionsHandler, nearestHandler } from './handlers.ts';
import { isCatchAll } from './to-pattern.ts';

/** Where functions of one kind are. */
export interface Location {
  /**
   * A folder is read only if those before it are missing or empty: it is an older name. They are
   * never merged.
   */
  readonly folders: readonly string[];
  readonly extensions: ReadonlySet<string>;
}

/** On the platform `.mjs`, `.mts` and `.cts` files are not entries. Entries may import them. */
export const CLOUD_FUNCTIONS: Location = {
  folders: ['cloud-functions', 'node-functions'],
  extensions: new Set(['.js', '.ts', '.cjs', '.jsx', '.tsx']),
};

/** A file that may be an entry. */
export interface FunctionFile {
  /** Absolute, with links resolved, as Node and esbuild name a module. */
  readonly path: string;
  /** Relative to the site. */
  readonly file: string;
  /** Relative to the folder of functions, without extension, e.g. `['api', '[id]']`. */
  readonly segments: readonly string[];
}

export interface Findings {
  readonly files: readonly FunctionFile[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/**
 * Finds the files of a site that may be functions, in the platform's order: if two files have the
 * same route, the first one gets it. Never throws: a folder that cannot be read becomes a problem.
 */
export async function findFiles(root: string, location: Location): Promise<Findings> {
  const search = new Search(root, location.extensions);
  for (const folder of location.folders) {
    if (await search.visit(folder, [])) break;
  }
  return search;
}

class Search implements Findings {
  readonly files: FunctionFile[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #root: string;
  readonly #extensions: ReadonlySet<string>;
  /**
   * Real paths of visited folders: a link to a parent folder would otherwise be followed for ever.
   */
  readonly #visited = new Set<string>();
  /** By folder, relative to the site. */
  readonly #realFolders = new Map<string, string>();

  constructor(root: string, extensions: ReadonlySet<string>) {
    this.#root = root;
    this.#extensions = extensions;
  }

  /** Returns false if the folder is empty or missing. */
  async visit(folder: string, parents: readonly string[]): Promise<boolean> {
    const entries = await this.#list(folder);
    const later: Dirent[] = [];
    for (const entry of entries) {
      const file = join(folder, entry.name);
      const isFolder = await this.#isFolder(entry);
      const reason = this.#reasonToIgnore(entry.name, isFolder);
      if (reason !== undefined) this.#ignore(file, reason);
      else if (isFolder) await this.visit(file, [...parents, entry.name]);
      else if (stem(entry.name) === 'index') await this.#add(entry, file, parents);
      else later.push(entry);
    }
    for (const entry of later) await this.#add(entry, join(folder, entry.name), parents);
    return entries.length > 0;
  }

  async #list(folder: string): Promise<readonly Dirent[]> {
    const path = join(this.#root, folder);
    try {
      const real = await realpath(path);
      if (this.#visited.has(real)) return [];
      this.#visited.add(real);
      this.#realFolders.set(folder, real);
      const entries = await readdir(path, { withFileTypes: true });
      return entries.sort((left, right) => Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)));
    } catch (error) {
      if (isMissingFile(error)) return [];
      this.problems.push({ severity: 'error', file: folder, message: `cannot be read: ${messageOf(error)}` });
      return [];
    }
  }

  async #isFolder(entry: Dirent): Promise<boolean> {
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    const target = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    // A broken link counts as a file. The loader reports it when it cannot read it.
    return target?.isDirectory() ?? false;
  }

  /** '' for a file that is skipped without being listed. Undefined for a possible function. */
  #reasonToIgnore(name: string, isFolder: boolean): string | undefined {
    if (name.startsWith('.') || (isFolder && name === 'node_modules')) return '';
    if (name.startsWith('_')) return 'its name starts with "_": a helper';
    if (isFolder) return undefined;
    if (!this.#extensions.has(extname(name)) || name.endsWith('.d.ts')) {
      const isCode = /^\.[cm]?[jt]sx?$/.test(extname(name));
      return isCode ? `not an entry: EdgeOne accepts ${[...this.#extensions].join(' ')}` : '';
    }
    return TEST.test(name) ? 'a test' : undefined;
  }

  #ignore(file: string, reason: string): void {
    if (reason !== '') this.ignored.push({ file, reason });
  }

  async #add(entry: Dirent, file: string, parents: readonly string[]): Promise<void> {
    const path = join(this.#root, file);
    const folder = this.#realFolders.get(dirname(file));
    // A broken link keeps its own path. The loader reports it.
    const real =
      folder === undefined || entry.isSymbolicLink()
        ? await realpath(path).catch(() => path)
        : join(folder, entry.name);
    this.files.push({ path: real, file, segments: [...parents, stem(basename(file))] });
  }
}

const TEST = /\.(?:test|spec)\.[^.]+$/;

function stem(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

/**
 * Whether a file is an entry, as far as its exports show without running it: it exports a handler
 * by name, or its default export is a function with such a name, or its file name allows an app and
 * it has an export that may be one. A file whose only export is an anonymous default function is a
 * helper: projects keep functions of other platforms in the same folder.
 */
export function isEntry({ path, segments }: FunctionFile, { looks, brokenTexts }: Survey): boolean {
  const broken = brokenTexts.get(path);
  // A file that cannot be read ('') counts as an entry: its route answers 500, and the request is
  // not forwarded to the hop.
  if (broken !== undefined) return broken === '' || mentionsHandler(broken) || isCatchAll(segments.at(-1));
  const look = looks.get(path);
  if (!look) return false;
  const { names, defaultName } = look;
  if ([...names, defaultName].some(isHandlerName)) return true;
  return isCatchAll(segments.at(-1)) && (names.has('default') || names.has('app'));
}

/** Whether a file may contain an app: its name allows one, and it exports no handler. */
export function mayBeApp({ path, segments }: FunctionFile, survey: Survey | undefined): boolean {
  if (!isCatchAll(segments.at(-1))) return false;
  const broken = survey?.brokenTexts.get(path);
  if (broken !== undefined) return !mentionsHandler(broken);
  const look = survey?.looks.get(path);
  return !look || ![...look.names, look.defaultName].some(isHandlerName);
}

/**
 * An error for each export, and each function that is the default export, whose name is similar to
 * a handler's name. EdgeOne does not call it.
 */
export async function findMisspelt(files: readonly FunctionFile[], { looks }: Survey): Promise<readonly Problem[]> {
  const found = await Promise.all(
    files.map(async ({ path, file }) => {
      const { names = [], defaultName = '' } = looks.get(path) ?? {};
      const misspelt = [...new Set([...names, defaultName])].filter((name) => nearestHandler(name) !== '');
      const text = misspelt.length > 0 ? await readFile(path, 'utf8').catch(() => '') : '';
      return misspelt.map((name): Problem => {
        const message = `${name} is not a handler of EdgeOne and is never called${nearestHandler(name)}`;
        return { severity: 'error', file, ...locateName(name, text), message };
      });
    }),
  );
  return found.flat();
}
