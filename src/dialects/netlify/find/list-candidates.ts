import type { Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';

/** A file that may be a function. Of several with the same name the first is used. */
export interface Candidate {
  readonly name: string;
  /** Relative to the site. */
  readonly file: string;
}

export interface Candidates {
  /** In order of precedence: main files of folders, then files; each sorted by extension. */
  readonly candidates: readonly Candidate[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/**
 * Lists the candidates at the top level of a folder of functions. `folder` is relative to the site.
 * A folder that does not exist has no candidates. Never rejects: an unreadable file becomes a
 * problem.
 */
export async function listCandidates(root: string, folder: string): Promise<Candidates> {
  const listing = new Listing(root, folder);
  await listing.read();
  return listing;
}

/** Extensions of files, in order of precedence. */
const FILE_EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.tsx', '.mts', '.cts'];
/** Extensions of main files in a folder, where the order differs. */
const MAIN_EXTENSIONS = ['.js', '.ts', '.mjs', '.cjs', '.tsx', '.mts', '.cts'];

/** Extensions of code. Authors may expect such files to be functions. */
const CODE = /^\.(?:[cm]?[jt]sx?)$/;

class Listing implements Candidates {
  readonly #folders: Candidate[] = [];
  readonly #files: Candidate[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  readonly #root: string;
  readonly #folder: string;

  constructor(root: string, folder: string) {
    this.#root = root;
    this.#folder = folder;
  }

  get candidates(): readonly Candidate[] {
    const byExtension = this.#files.toSorted((left, right) => rankOf(left) - rankOf(right));
    return [...this.#folders, ...byExtension];
  }

  async read(): Promise<void> {
    const entries = await this.#list(this.#folder);
    for (const entry of entries.toSorted(byName)) {
      const file = join(this.#folder, entry.name);
      if (entry.isDirectory()) await this.#addFolder(entry.name, file);
      else if (entry.isSymbolicLink() && (await this.#isFolder(file))) {
        this.#ignore(file, 'a link to a folder, which Netlify does not follow');
      } else await this.#addFile(entry.name, file);
    }
  }

  async #list(folder: string): Promise<readonly Dirent[]> {
    try {
      return await readdir(join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      if (!isMissingFile(error)) this.#warn(folder, `cannot be read: ${messageOf(error)}`, 'error');
      return [];
    }
  }

  async #addFolder(name: string, folder: string): Promise<void> {
    if (name === 'node_modules') return;
    const entries = await this.#list(folder);
    const names = new Set(entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name));
    const mains = MAIN_EXTENSIONS.flatMap((extension) => [`${name}${extension}`, `index${extension}`]);
    const found = mains.filter((main) => names.has(main));
    const files = found.map((main) => ({ name: withoutExtension(name), file: join(folder, main) }));
    this.#folders.push(...files);
    if (files.length > 0) return;
    const language = toLanguage(entries);
    if (language !== undefined) this.#refuse(folder, `a function in ${language}`);
    else this.#ignore(folder, `has no main file (${name}.ts, index.ts, …): helpers`);
  }

  async #addFile(name: string, file: string): Promise<void> {
    const extension = extname(name);
    if (/\.d\.[cm]?ts$/.test(name)) this.#ignore(file, 'types');
    else if (TEST.test(name)) this.#ignore(file, 'a test');
    else if (FILE_EXTENSIONS.includes(extension)) this.#files.push({ name: withoutExtension(name), file });
    else if (CODE.test(extension)) this.#ignore(file, `no function: Netlify takes ${FILE_EXTENSIONS.join(' ')}`);
    else if (extension === '.zip') this.#refuse(file, 'an archive');
    else if (extension === '.go') this.#refuse(file, 'a function in Go');
    else if (extension === '' && (await this.#isBinary(file))) this.#refuse(file, 'a binary');
  }

  async #isFolder(file: string): Promise<boolean> {
    try {
      await readdir(join(this.#root, file));
      return true;
    } catch {
      // A file or a broken link. Reading it later reports the error.
      return false;
    }
  }

  /** Compiled functions in Go or Rust may have no extension. */
  async #isBinary(file: string): Promise<boolean> {
    try {
      await using handle = await open(join(this.#root, file));
      const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.equals(ELF);
    } catch {
      // An unreadable file is no function.
      return false;
    }
  }

  #ignore(file: string, reason: string): void {
    this.ignored.push({ file, reason });
  }

  #refuse(file: string, what: string): void {
    this.#ignore(file, `${what}: nexthop runs only JavaScript and TypeScript`);
    this.#warn(file, `is ${what}, which nexthop cannot run: only JavaScript and TypeScript are supported`);
  }

  #warn(file: string, message: string, severity: Problem['severity'] = 'warning'): void {
    this.problems.push({ severity, file, message });
  }
}

const TEST = /\.(?:test|spec)\.[^.]+$/;

const ELF = Buffer.from('\x7fELF', 'latin1');

function toLanguage(entries: readonly Dirent[]): string | undefined {
  const names = entries.map(({ name }) => name);
  if (names.some((name) => name.endsWith('.go'))) return 'Go';
  return names.includes('Cargo.toml') ? 'Rust' : undefined;
}

function rankOf({ file }: Candidate): number {
  return FILE_EXTENSIONS.indexOf(extname(file));
}

/** Also removes an apparent extension from the name of a folder. */
function withoutExtension(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

function byName(left: Dirent, right: Dirent): number {
  return Buffer.compare(Buffer.from(left.name), Buffer.from(right.name));
}
