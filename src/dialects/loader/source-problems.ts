import { basename, relative, resolve } from 'node:path';
import type { Location, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { toImportProblem } from './import-problem.ts';
import type { KnownExports } from './known-exports.ts';
import { toUsersFile } from './stand-ins.ts';

/** An import or a `require` that cannot be resolved. */
export interface UnresolvedImport {
  /** Absolute path of its file. */
  readonly importer: string;
  readonly specifier: string;
  /** Undefined if the code handles the failure, e.g. inside `try`. */
  readonly problem: Problem | undefined;
}

/** Converts a location in the text that esbuild got to the one in the user's file. */
export type ToSource = (file: string, location: Location) => Pick<Problem, 'line' | 'column'>;

export interface TakeParts {
  readonly toSource: ToSource;
  readonly exports: KnownExports;
}

/**
 * Files with settings for other files. esbuild reads them itself, and fails if one cannot be
 * parsed.
 */
const CONFIG = /^(?:package|[jt]sconfig.*)\.json$/;

const UNRESOLVED = /^Could not resolve ("(?:[^"\\]|\\.)*")$/;

/** The problems that builds found in a site; the next build replaces what has one. */
export class SourceProblems {
  readonly #root: string;
  /** Files that cannot be compiled, by absolute path. */
  readonly files: Map<string, Problem>;
  /**
   * Files such as `package.json` that cannot be parsed, by absolute path. They are treated as
   * empty.
   */
  readonly configs = new Map<string, Problem>();
  readonly #imports = new Map<string, UnresolvedImport>();
  readonly #undefinedNames = new Map<string, Problem>();

  constructor(root: string, files: Iterable<readonly [path: string, problem: Problem]> = []) {
    this.#root = root;
    this.files = new Map(files);
  }

  /** The number of problems; it never decreases. */
  get size(): number {
    return this.files.size + this.configs.size + this.#imports.size + this.#undefinedNames.size;
  }

  /** Imports of names that their package does not export: the code runs, and they are undefined. */
  get undefinedNames(): Iterable<Problem> {
    return this.#undefinedNames.values();
  }

  get unresolvedImports(): number {
    return this.#imports.size;
  }

  findImport(importer: string, specifier: string): UnresolvedImport | undefined {
    return this.#imports.get(toKey(importer, specifier));
  }

  /**
   * Adds an error of esbuild. Returns false if it is known: another build would fail in the same
   * way.
   */
  take({ text, location, notes }: Message, { toSource, exports }: TakeParts): boolean {
    const name = location ? toUsersFile(location.file) : undefined;
    if (!location || name === undefined) return false;
    const path = resolve(this.#root, name);
    const at = { file: relative(this.#root, path), ...toSource(path, location) };
    const [, quoted] = UNRESOLVED.exec(text) ?? [];
    if (quoted !== undefined) {
      const specifier = unquote(quoted);
      const hints = notes.map((note) => note.text);
      return this.addImport({
        importer: path,
        specifier,
        problem: toImportProblem({ root: this.#root, specifier, location: at, hints }),
      });
    }
    if (this.#isConfig(path)) {
      const message = `is not valid JSON: ${text}; it is treated as empty until that is corrected`;
      this.configs.set(path, { severity: 'warning', ...at, message });
      return true;
    }
    const missing = exports.explain(text, path);
    if (missing?.severity === 'warning') {
      exports.leaveOpen(missing.standIn);
      return this.#addUndefinedName({ ...at, severity: missing.severity, message: missing.message });
    }
    // Only the first error of a file is reported: the others often follow from it.
    if (this.files.has(path)) return false;
    this.files.set(path, { severity: 'error', ...at, message: missing?.message ?? toMessage(text, notes) });
    return true;
  }

  #addUndefinedName(problem: Problem): boolean {
    const key = toKey(problem.file, problem.message);
    if (this.#undefinedNames.has(key)) return false;
    this.#undefinedNames.set(key, problem);
    return true;
  }

  /**
   * Whether an error is one of settings. Code may import such a file, too: its second error is then
   * one of code. A file with another name that a tsconfig extends is recognized by its second
   * error.
   */
  #isConfig(path: string): boolean {
    if (this.configs.has(path)) return false;
    return CONFIG.test(basename(path)) || (path.endsWith('.json') && this.files.has(path));
  }

  /** Returns false if it is known. */
  addImport(unresolved: UnresolvedImport): boolean {
    const key = toKey(unresolved.importer, unresolved.specifier);
    if (this.#imports.has(key)) return false;
    this.#imports.set(key, unresolved);
    return true;
  }
}

const NO_EXPORT = /^No matching export in ("[^"]*") for import ("[^"]*")$/;
const NO_LOADER = /^No loader is configured for "[^"]*" files: (.*)$/;

/** Adds what to do, if the text does not say it. */
function toMessage(text: string, notes: Message['notes']): string {
  const [, from, name] = NO_EXPORT.exec(text) ?? [];
  if (from !== undefined) {
    const [, meant] = /^Did you mean to import ("[^"]*")/.exec(notes[0]?.text ?? '') ?? [];
    const advice = meant === undefined ? 'export it there, or correct the name' : `did you mean ${meant}?`;
    return `No matching export in ${from} for import ${name}: ${advice}`;
  }
  const [, file] = NO_LOADER.exec(text) ?? [];
  if (file !== undefined) return `${file} is not code and cannot be imported: read it as a file, e.g. with node:fs`;
  return text;
}

function toKey(file: string, text: string): string {
  return JSON.stringify([file, text]);
}

/** esbuild quotes text as Go does; for most characters that equals JSON. */
function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    // The text has an escape that JSON lacks: use it undecoded.
    return quoted.slice(1, -1);
  }
}
