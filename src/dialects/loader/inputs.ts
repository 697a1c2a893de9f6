import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/** What something compiled depends on. Paths are relative to the site. */
export interface Inputs {
  /** The hash of each file's content. Not its time: a checkout and a copy into an image change it, and some tools set it back. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that were not there, and would have been taken before one that was. */
  readonly absent: readonly string[];
}

/** How a file differs from what it was. */
export interface Change {
  /** Relative to the site. */
  readonly file: string;
  readonly what: 'changed' | 'is gone' | 'is new';
}

/** The first difference between the inputs as they were and as they are now. */
export function findChange(root: string, { files, absent }: Inputs): Change | undefined {
  for (const [file, before] of Object.entries(files)) {
    const now = hashOf(resolve(root, file));
    if (now !== before) return { file, what: now === undefined ? 'is gone' : 'changed' };
  }
  const file = absent.find((each) => existsSync(resolve(root, each)));
  return file === undefined ? undefined : { file, what: 'is new' };
}

/** The order in which a file is looked for that is imported without its extension (build-around.ts), as far as an import can mean code. */
const EXTENSIONS = ['', '.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs'];

const IN_PACKAGE = /(?:^|\/)node_modules\//;

/** Watches a build and tells what it depends on. */
export class InputWatch {
  readonly #root: string;
  /** By absolute path. */
  readonly #files = new Map<string, string>();
  readonly #absent = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Must stand first: a file that changes between this look and the compiler's has the hash from before, so that it is noticed. */
  get plugin(): Plugin {
    return {
      name: 'inputs',
      setup: (build) => {
        build.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => {
          this.add(path);
          return undefined;
        });
      },
    };
  }

  /** A file of the user, and what decides how it is read and found. */
  add(file: string): void {
    if (!this.#look(file)) return;
    if (IN_PACKAGE.test(file)) this.addPackage(file);
    else this.#addSurroundings(file);
  }

  /** A file of a package, which Node loads: of that the package.json alone counts, where it says which version this is and which file is meant. */
  addPackage(file: string): void {
    let folder = dirname(file);
    while (IN_PACKAGE.test(folder)) {
      this.#look(join(folder, 'package.json'));
      folder = dirname(folder);
    }
  }

  /** What was seen so far. */
  toInputs(): Inputs {
    const files = [...this.#files].map(([file, content]) => [relative(this.#root, file), content] as const);
    const absent = [...this.#absent].map((file) => relative(this.#root, file));
    return { files: Object.fromEntries(files.sort()), absent: absent.sort() };
  }

  /** Whether there is such a file. */
  #look(file: string): boolean {
    if (this.#files.has(file)) return true;
    const content = hashOf(file);
    if (content !== undefined) this.#files.set(file, content);
    return content !== undefined;
  }

  #addSurroundings(file: string): void {
    const folder = dirname(file);
    const stem = basename(file, extname(file));
    this.#addAbsent(join(folder, stem));
    if (stem === 'index') this.#addAbsent(folder);
    if (this.#folders.has(folder)) return;
    this.#folders.add(folder);
    this.#addNearest(folder, ['package.json']);
    const tsconfig = this.#addNearest(folder, ['tsconfig.json', 'jsconfig.json']);
    if (tsconfig !== undefined) this.#addExtended(tsconfig);
  }

  #addAbsent(stem: string): void {
    for (const extension of EXTENSIONS) {
      if (!existsSync(stem + extension)) this.#absent.add(stem + extension);
    }
  }

  /** The file of one of these names that stands nearest above a folder; those that would be nearer are absent. */
  #addNearest(folder: string, names: readonly string[]): string | undefined {
    for (let above = folder; ; above = dirname(above)) {
      for (const name of names) {
        if (this.#look(join(above, name))) return join(above, name);
        this.#absent.add(join(above, name));
      }
      if (above === dirname(above)) return undefined;
    }
  }

  /** What a tsconfig extends. It may hold comments, so that only this one key is read. */
  #addExtended(tsconfig: string): void {
    const [, value = ''] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(readFileSync(tsconfig, 'utf8')) ?? [];
    for (const [, name = ''] of value.matchAll(/"([^"]*)"/g)) {
      const file = findExtended(tsconfig, name);
      if (file === undefined || this.#files.has(file)) continue;
      this.#look(file);
      this.#addExtended(file);
    }
  }
}

function findExtended(tsconfig: string, name: string): string | undefined {
  for (const end of ['', '.json', '/tsconfig.json']) {
    try {
      return createRequire(tsconfig).resolve(name + end);
    } catch {
      // Not this way of writing it. Where none leads to a file, esbuild has none either.
    }
  }
  return undefined;
}

function hashOf(file: string): string | undefined {
  try {
    return hash('sha256', readFileSync(file), 'base64url');
  } catch {
    // Not there, a folder, or not to be read: for the compiler that is all the same.
    return undefined;
  }
}
