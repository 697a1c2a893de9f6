import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { IgnoredFile } from '../../../contract/dialect.ts';
import { isMissingFile } from '../../../contract/error-code.ts';
import { messageOf } from '../../../contract/error-message.ts';
import type { Problem } from '../../../contract/problem.ts';
import { isTable } from '../config/config-values.ts';
import type { EdgeSettings } from './edge-rule.ts';

/** A file with an edge function. */
export interface EdgeFile {
  /** Of the file or folder: declarations name it. */
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** Relative to the site. */
  readonly file: string;
  /** A framework has made it. */
  readonly isGenerated: boolean;
}

export interface FoundEdgeFiles {
  /** The first of each name. */
  readonly files: readonly EdgeFile[];
  /** Declarations of a framework, in their order. */
  readonly manifest: readonly EdgeSettings[];
  /** The import map that the manifest names, and that of the newer folder, relative to the site. */
  readonly importMaps: readonly string[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
}

/** The default folder of users. */
export const EDGE_FOLDER = 'netlify/edge-functions';

const GENERATED_FOLDERS = ['.netlify/edge-functions', '.netlify/v1/edge-functions'];
const IMPORT_MAP = '.netlify/v1/edge-functions/import_map.json';
export const MANIFEST = '.netlify/edge-functions/manifest.json';

/** In order of precedence. */
const EXTENSIONS = ['.js', '.jsx', '.mjs', '.mts', '.ts', '.tsx'];

/** Finds the edge functions of users in `folder` and those of frameworks. Never rejects: what cannot be read is a problem. */
export async function findEdgeFiles(root: string, folder: string): Promise<FoundEdgeFiles> {
  const search = new Search(root);
  await search.list(folder, false);
  for (const generated of GENERATED_FOLDERS) await search.list(generated, true);
  await search.readManifest();
  await search.findImportMap();
  return search;
}

/** The edge functions of users in one folder. */
export async function listEdgeFiles(root: string, folder: string): Promise<readonly EdgeFile[]> {
  const search = new Search(root);
  await search.list(folder, false);
  return search.files;
}

class Search implements FoundEdgeFiles {
  readonly files: EdgeFile[] = [];
  readonly ignored: IgnoredFile[] = [];
  readonly problems: Problem[] = [];
  manifest: readonly EdgeSettings[] = [];
  readonly importMaps: string[] = [];
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(folder: string, isGenerated: boolean): Promise<void> {
    const entries = await this.#entries(folder);
    const found = new Map<string, string>();
    const folders = entries.filter((entry) => entry.isDirectory());
    for (const { name } of folders) {
      const names = new Set((await this.#entries(join(folder, name))).map((entry) => entry.name));
      const main = EXTENSIONS.flatMap((extension) => [`${name}${extension}`, `index${extension}`]).find((each) =>
        names.has(each),
      );
      if (main !== undefined) found.set(name, join(folder, name, main));
    }
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    for (const extension of EXTENSIONS) {
      for (const file of files.filter((each) => extname(each) === extension)) {
        const name = file.slice(0, -extension.length);
        const first = found.get(name);
        if (first === undefined) found.set(name, join(folder, file));
        else this.ignored.push({ file: join(folder, file), reason: `${first} has the same name` });
      }
    }
    for (const [name, file] of found) await this.#add(name, file, isGenerated);
  }

  async readManifest(): Promise<void> {
    try {
      const content: unknown = JSON.parse(await readFile(join(this.#root, MANIFEST), 'utf8'));
      if (!isTable(content) || content.version !== 1) {
        this.#close('must have "version": 1');
        return;
      }
      const { functions = [], import_map: importMap } = content;
      if (Array.isArray(functions) && functions.every(isTable)) this.manifest = functions;
      else this.#close('must have a list of objects as "functions"');
      if (typeof importMap === 'string') this.importMaps.push(join('.netlify/edge-functions', importMap));
    } catch (error) {
      if (!isMissingFile(error)) this.#close(`cannot be read: ${messageOf(error)}`);
    }
  }

  async findImportMap(): Promise<void> {
    const found = await stat(join(this.#root, IMPORT_MAP)).catch(() => undefined);
    if (found?.isFile()) this.importMaps.push(IMPORT_MAP);
  }

  /** Which paths the functions of the framework guard is not known: a declaration without function and paths closes all. */
  #close(mistake: string): void {
    this.#fail(MANIFEST, `${mistake}; every request is answered 500`);
    this.manifest = [{}];
  }

  async #add(name: string, file: string, isGenerated: boolean): Promise<void> {
    const first = this.files.find((each) => each.name === name);
    if (first) {
      this.ignored.push({ file, reason: `${first.file} has the same name` });
      return;
    }
    const path = join(this.#root, file);
    this.files.push({ name, file, isGenerated, path: await realpath(path).catch(() => path) });
  }

  async #entries(folder: string): Promise<readonly Dirent[]> {
    try {
      const entries = await readdir(join(this.#root, folder), { withFileTypes: true });
      return entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    } catch (error) {
      if (!isMissingFile(error)) this.#fail(folder, `cannot be read: ${messageOf(error)}`);
      return [];
    }
  }

  #fail(file: string, message: string): void {
    this.problems.push({ severity: 'error', file, message });
  }
}
