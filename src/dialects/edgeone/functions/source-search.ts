import { stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Project } from '../../../contract/project.ts';
import { readText } from '../../loader/read-text.ts';

type Facts = Pick<Project, 'fileFacts'>;

/**
 * The source of a file and of all that it imports, as far as it can be found without running it.
 */
export interface SourceTexts {
  /** Texts of the file and of its direct and indirect imports, by absolute path. */
  readonly byPath: ReadonlyMap<string, string>;
  /**
   * False if imports are missing here: packages, aliases, and specifiers that are computed at run
   * time.
   */
  readonly isWhole: boolean;
}

/**
 * Whether the code of a file may read a property of this name. May be wrong in one direction only:
 * comments and string literals count as uses, and so does every import that could not be read.
 */
export function mayName({ byPath, isWhole }: SourceTexts, name: string): boolean {
  const word = new RegExp(`\\b${name}\\b`);
  return !isWhole || [...byPath.values()].some((text) => word.test(text));
}

/**
 * Reads the code of files without running it. Use one search for all files of a site: it reads a
 * shared import once.
 */
export class SourceSearch {
  readonly #facts: Facts;
  readonly #files = new Map<string, Promise<SourceFile>>();
  /** By the path that imports name. */
  readonly #found = new Map<string, Promise<string | undefined>>();

  constructor(facts: Facts = {}) {
    this.#facts = facts;
  }

  async textsOf(path: string): Promise<SourceTexts> {
    const byPath = new Map<string, string>();
    let isWhole = true;
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (byPath.has(next)) continue;
      const file = await this.#read(next);
      byPath.set(next, file.text);
      waiting.push(...file.imports);
      if (!file.isWhole) isWhole = false;
    }
    return { byPath, isWhole };
  }

  #read(path: string): Promise<SourceFile> {
    const known = this.#files.get(path) ?? this.#readSource(path);
    this.#files.set(path, known);
    return known;
  }

  async #readSource(path: string): Promise<SourceFile> {
    try {
      const text = await readText(this.#facts, path);
      const look = async (): Promise<Named> => toNamed(text);
      const { names, isComputed } = await (this.#facts.fileFacts?.of(path, 'imports', look) ?? look());
      const found = await Promise.all(names.map((name) => this.#find(dirname(path), name)));
      const imports = found.filter((file) => file !== undefined);
      return { text, imports, isWhole: imports.length === names.length && !isComputed };
    } catch {
      // The loader reports a file that cannot be read.
      return UNKNOWN;
    }
  }

  /** Undefined if the specifier is not a path, or no file is found. */
  #find(folder: string, name: string): Promise<string | undefined> | undefined {
    if (!/^\.{0,2}\//.test(name) && !/^\.{1,2}$/.test(name)) return undefined;
    const path = name.startsWith('/') ? name : join(folder, name);
    const known = this.#found.get(path) ?? findFile(path);
    this.#found.set(path, known);
    return known;
  }
}

interface SourceFile {
  readonly text: string;
  /** Absolute paths. */
  readonly imports: readonly string[];
  readonly isWhole: boolean;
}

const UNKNOWN: SourceFile = { text: '', imports: [], isWhole: false };

/** Also matches in comments and string literals, which adds only a file that is not needed. */
const IMPORT = /(?:(?<!\.)\bfrom|\bimport\s*\(?|\brequire\s*\()\s*(["'`])(.*?)\1/g;

/** Removed by the compiler. */
const TYPE_IMPORT = /\b(?:import|export)\s+type\b[^;"'`]*\bfrom\s*(["']).*?\1/g;

/** The specifier is computed at run time, or `require` has another name. */
const COMPUTED_IMPORT = /\b(?:import|require)\s*\(\s*[^\s"'`)]|\bcreateRequire\b|\brequire\s*[^\s(.\w]/;

/** What the text of a file imports. */
interface Named {
  readonly names: readonly string[];
  readonly isComputed: boolean;
}

function toNamed(text: string): Named {
  const names = [...text.replaceAll(TYPE_IMPORT, '').matchAll(IMPORT)]
    .map(([, , name = '']) => name)
    .filter((name) => !isBuiltin(name));
  return { names, isComputed: COMPUTED_IMPORT.test(text) };
}

const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs', '.json'];

async function findFile(path: string): Promise<string | undefined> {
  // TypeScript projects import `./a.ts` as `./a.js`.
  const stem = path.slice(0, path.length - extname(path).length);
  const stems = [path, join(path, 'index'), stem];
  const candidates = [path, ...stems.flatMap((each) => EXTENSIONS.map((extension) => each + extension))];
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
