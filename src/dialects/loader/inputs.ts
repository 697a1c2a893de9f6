import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/** The files that compiled code depends on. Paths are relative to the site. */
export interface Inputs {
  /**
   * File → hash of its content. Not its time: a checkout or a copy into an image changes that, and
   * some tools set it back.
   */
  readonly files: Readonly<Record<string, string>>;
  /** Files that did not exist, and that an import would have resolved to instead. */
  readonly absent: readonly string[];
}

/** How a file differs from its recorded state. */
export interface Change {
  /** Relative to the site. */
  readonly file: string;
  readonly what: 'changed' | 'is gone' | 'is new';
}

/**
 * The first difference between recorded inputs and the files as they are now; undefined if there is
 * none.
 */
export function findChange(root: string, { files, absent }: Inputs): Change | undefined {
  for (const [file, before] of Object.entries(files)) {
    const now = hashOf(resolve(root, file));
    if (now !== before) return { file, what: now === undefined ? 'is gone' : 'changed' };
  }
  const file = absent.find((each) => existsSync(resolve(root, each)));
  return file === undefined ? undefined : { file, what: 'is new' };
}

/**
 * The extensions of code that are tried for an import without an extension, in the order of
 * build-around.ts.
 */
const EXTENSIONS = ['', '.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs'];

const IN_PACKAGE = /(?:^|\/)node_modules\//;

/** Records the files that a build depends on. */
export class InputWatch {
  readonly #root: string;
  /** By absolute path. */
  readonly #files = new Map<string, string>();
  readonly #absent = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Must be the first plugin: it hashes a file before the compiler reads it. If the file changes in
   * between, the recorded hash is that of the old content, and the change is noticed later.
   */
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

  /** Records a file of the user, and the files that decide how it is resolved and compiled. */
  add(file: string): void {
    if (!this.#record(file)) return;
    if (IN_PACKAGE.test(file)) this.addPackage(file);
    else this.#addSurroundings(file);
  }

  /**
   * Records only the package.json of a file in a package: it has the version and the exports, and
   * Node loads the file itself.
   */
  addPackage(file: string): void {
    let folder = dirname(file);
    while (IN_PACKAGE.test(folder)) {
      this.#record(join(folder, 'package.json'));
      folder = dirname(folder);
    }
  }

  /** What is recorded so far. */
  toInputs(): Inputs {
    const files = [...this.#files].map(([file, content]) => [relative(this.#root, file), content] as const);
    const absent = [...this.#absent].map((file) => relative(this.#root, file));
    return { files: Object.fromEntries(files.sort()), absent: absent.sort() };
  }

  /** Returns false if there is no such file. */
  #record(file: string): boolean {
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

  /**
   * Finds the nearest file of one of these names in a folder and those above it. Records nearer
   * names as absent.
   */
  #addNearest(folder: string, names: readonly string[]): string | undefined {
    for (let above = folder; ; above = dirname(above)) {
      for (const name of names) {
        if (this.#record(join(above, name))) return join(above, name);
        this.#absent.add(join(above, name));
      }
      if (above === dirname(above)) return undefined;
    }
  }

  /**
   * Records what a tsconfig extends. Reads this key by a regular expression, since the file may
   * have comments.
   */
  #addExtended(tsconfig: string): void {
    const [, value = ''] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(readFileSync(tsconfig, 'utf8')) ?? [];
    for (const [, name = ''] of value.matchAll(/"([^"]*)"/g)) {
      const file = findExtended(tsconfig, name);
      if (file === undefined || this.#files.has(file)) continue;
      this.#record(file);
      this.#addExtended(file);
    }
  }
}

function findExtended(tsconfig: string, name: string): string | undefined {
  for (const end of ['', '.json', '/tsconfig.json']) {
    try {
      return createRequire(tsconfig).resolve(name + end);
    } catch {
      // The next ending is tried. If none resolves, esbuild finds no file either.
    }
  }
  return undefined;
}

function hashOf(file: string): string | undefined {
  try {
    return hash('sha256', readFileSync(file), 'base64url');
  } catch {
    // Missing, a folder or not readable: the compiler treats these alike.
    return undefined;
  }
}
