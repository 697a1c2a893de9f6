import { readFile, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, extname, join } from 'node:path';

/** The code that a file consists of, as far as it can be read. */
export interface SourceTexts {
  /** Texts of the file and of those that it imports, directly or not, by absolute path. */
  readonly byPath: ReadonlyMap<string, string>;
  /** False if there is more: packages, aliases, and imports whose names are made while the code runs. */
  readonly isWhole: boolean;
}

/** Whether the code of a file may read a property of this name. Rather too often than too rarely: comments and texts count, and whatever cannot be read may. */
export function mayName({ byPath, isWhole }: SourceTexts, name: string): boolean {
  const word = new RegExp(`\\b${name}\\b`);
  return !isWhole || [...byPath.values()].some((text) => word.test(text));
}

/** Reads the code of files without running it. One search for all files of a site, since they share what they import. */
export class SourceSearch {
  readonly #files = new Map<string, Promise<SourceFile>>();

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
    const known = this.#files.get(path) ?? readSource(path);
    this.#files.set(path, known);
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

/** Also in comments and texts, which does no harm. */
const IMPORT = /(?:(?<!\.)\bfrom|\bimport\s*\(?|\brequire\s*\()\s*(["'`])(.*?)\1/g;

/** Nothing is left of these when the code runs. */
const TYPE_IMPORT = /\b(?:import|export)\s+type\b[^;"'`]*\bfrom\s*(["']).*?\1/g;

/** The name is made while the code runs, or `require` has another name. */
const OPEN_IMPORT = /\b(?:import|require)\s*\(\s*[^\s"'`)]|\bcreateRequire\b|\brequire\s*[^\s(.\w]/;

async function readSource(path: string): Promise<SourceFile> {
  try {
    const text = await readFile(path, 'utf8');
    const names = [...text.replaceAll(TYPE_IMPORT, '').matchAll(IMPORT)]
      .map(([, , name = '']) => name)
      .filter((name) => !isBuiltin(name));
    const found = await Promise.all(names.map((name) => findFile(dirname(path), name)));
    const imports = found.filter((file) => file !== undefined);
    return { text, imports, isWhole: imports.length === names.length && !OPEN_IMPORT.test(text) };
  } catch {
    // It cannot be read: its route tells of that.
    return UNKNOWN;
  }
}

const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.mts', '.cts', '.mjs', '.cjs', '.json'];

/** Undefined for what is no file of the site's own, or is not found. */
async function findFile(folder: string, name: string): Promise<string | undefined> {
  if (!/^\.{0,2}\//.test(name) && !/^\.{1,2}$/.test(name)) return undefined;
  const path = name.startsWith('/') ? name : join(folder, name);
  // TypeScript names a file by what it is compiled to.
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
