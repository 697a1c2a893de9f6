import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Survey } from '../../loader/survey.ts';
import { locateName } from '../locate-name.ts';
import { isHandlerName, mentionsHandler, nearestHandler } from './handlers.ts';
import { isCatchAll } from './to-pattern.ts';

/** The second is the older name; it counts only when the first is missing or empty. They are never merged. */
const FOLDERS = ['cloud-functions', 'node-functions'];

/** `.mjs` and its like are no entries on the platform; they may be imported. */
const EXTENSIONS: ReadonlySet<string> = new Set(['.js', '.ts', '.cjs', '.jsx', '.tsx']);

/** A file that may be an entry. */
export interface FunctionFile {
  /** Absolute and without links, as Node and esbuild name a module. */
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
 * Finds the files of a site that may be functions, in the order of the platform: of two with the same route the first one wins.
 * Never throws: what cannot be read becomes a problem.
 */
export async function findFiles(root: string): Promise<Findings> {
  const search = new Search(root);
  for (const folder of FOLDERS) {
    if (await search.visit(folder, [])) break;
  }
  return search;
}

class Search implements Findings {
  readonly files: FunctionFile[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #root: string;
  /** Real paths of folders, so that a link to a folder above does not lead round for ever. */
  readonly #visited = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** False when there is nothing in the folder. */
  async visit(folder: string, above: readonly string[]): Promise<boolean> {
    const entries = await this.#list(folder);
    const later: Dirent[] = [];
    for (const entry of entries) {
      const file = join(folder, entry.name);
      const isFolder = await this.#isFolder(entry);
      const reason = reasonToIgnore(entry.name, isFolder);
      if (reason !== undefined) this.#ignore(file, reason);
      else if (isFolder) await this.visit(file, [...above, entry.name]);
      else if (stem(entry.name) === 'index') await this.#add(file, above);
      else later.push(entry);
    }
    for (const { name } of later) await this.#add(join(folder, name), above);
    return entries.length > 0;
  }

  async #list(folder: string): Promise<readonly Dirent[]> {
    const path = join(this.#root, folder);
    try {
      const real = await realpath(path);
      if (this.#visited.has(real)) return [];
      this.#visited.add(real);
      const entries = await readdir(path, { withFileTypes: true });
      return entries.sort((left, right) => Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)));
    } catch (error) {
      if (isMissing(error)) return [];
      this.problems.push({ severity: 'error', file: folder, message: `cannot be read: ${messageOf(error)}` });
      return [];
    }
  }

  async #isFolder(entry: Dirent): Promise<boolean> {
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    const target = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    // A link to nowhere is taken for a file, whose reading will tell.
    return target?.isDirectory() ?? false;
  }

  #ignore(file: string, reason: string): void {
    if (reason !== '') this.ignored.push({ file, reason });
  }

  async #add(file: string, above: readonly string[]): Promise<void> {
    const path = join(this.#root, file);
    // A link to nowhere stays as it is; reading it will tell.
    const real = await realpath(path).catch(() => path);
    this.files.push({ path: real, file, segments: [...above, stem(basename(file))] });
  }
}

const TEST = /\.(?:test|spec)\.[^.]+$/;

/** '' when it goes without saying. */
function reasonToIgnore(name: string, isFolder: boolean): string | undefined {
  if (name.startsWith('.') || (isFolder && name === 'node_modules')) return '';
  if (name.startsWith('_')) return 'its name starts with "_": a helper';
  if (isFolder) return undefined;
  if (!EXTENSIONS.has(extname(name)) || name.endsWith('.d.ts')) {
    return /^\.[cm]?[jt]sx?$/.test(extname(name)) ? `no entry: EdgeOne takes ${[...EXTENSIONS].join(' ')}` : '';
  }
  return TEST.test(name) ? 'a test' : undefined;
}

function stem(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Whether a file is an entry, as far as that shows without running it: it exports a handler by name, or a function of such a name by default,
 * or stands where an app may stand and exports something that could be one. Anonymous default functions are helpers: projects keep functions
 * of other platforms beside their own.
 */
export function isEntry({ path, segments }: FunctionFile, { looks, brokenTexts }: Survey): boolean {
  const broken = brokenTexts.get(path);
  // Of a file that could not even be read nothing is known; its route says so rather than leave the request to the hop.
  if (broken !== undefined) return broken === '' || mentionsHandler(broken) || isCatchAll(segments.at(-1));
  const look = looks.get(path);
  if (!look) return false;
  const { names, defaultName } = look;
  if ([...names, defaultName].some(isHandlerName)) return true;
  return isCatchAll(segments.at(-1)) && (names.has('default') || names.has('app'));
}

/** Whether a file that stands where an app may stand could be one, as far as that shows: what exports a handler is none. */
export function mayBeApp({ path, segments }: FunctionFile, survey: Survey | undefined): boolean {
  if (!isCatchAll(segments.at(-1))) return false;
  const broken = survey?.brokenTexts.get(path);
  if (broken !== undefined) return !mentionsHandler(broken);
  const look = survey?.looks.get(path);
  return !look || ![...look.names, look.defaultName].some(isHandlerName);
}

/** A warning for each export, and each function exported by default, whose name is near to that of a handler: the platform never calls it. */
export async function findMisspelt(files: readonly FunctionFile[], { looks }: Survey): Promise<readonly Problem[]> {
  const found = await Promise.all(
    files.map(async ({ path, file }) => {
      const { names = [], defaultName = '' } = looks.get(path) ?? {};
      const misspelt = [...new Set([...names, defaultName])].filter((name) => nearestHandler(name) !== '');
      const text = misspelt.length > 0 ? await readFile(path, 'utf8').catch(() => '') : '';
      return misspelt.map((name): Problem => {
        const message = `${name} is no handler that EdgeOne knows, and is never called${nearestHandler(name)}`;
        return { severity: 'warning', file, ...locateName(name, text), message };
      });
    }),
  );
  return found.flat();
}
