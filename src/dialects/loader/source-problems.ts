import { basename, relative, resolve } from 'node:path';
import type { Location, Message } from 'esbuild';
import type { Problem } from '../../contract/problem.ts';
import { toImportProblem } from './import-problem.ts';
import { toUsersFile } from './stand-ins.ts';

/** An import or a `require` that leads to nothing. */
export interface LostImport {
  /** Absolute path of the file in which it stands. */
  readonly importer: string;
  readonly specifier: string;
  /** Undefined where the code itself is ready for it, e.g. inside `try`. */
  readonly problem: Problem | undefined;
}

/** Puts the place of an error into the file as its author wrote it. */
export type ToSource = (file: string, location: Location) => Pick<Problem, 'line' | 'column'>;

/** Files that say how others are read. esbuild reads them by itself, and stops at one that it cannot parse. */
const CONFIG = /^(?:package|[jt]sconfig.*)\.json$/;

const LOST = /^Could not resolve ("(?:[^"\\]|\\.)*")$/;

/** What builds have found wrong in a site, so that the next build goes around it. */
export class SourceProblems {
  readonly #root: string;
  /** Files that cannot be compiled, by absolute path. */
  readonly files: Map<string, Problem>;
  /** Files such as `package.json` that cannot be parsed, by absolute path. They count as empty. */
  readonly configs = new Map<string, Problem>();
  readonly #imports = new Map<string, LostImport>();

  constructor(root: string, files: Iterable<readonly [path: string, problem: Problem]> = []) {
    this.#root = root;
    this.files = new Map(files);
  }

  /** How much is known; it only grows. */
  get size(): number {
    return this.files.size + this.configs.size + this.#imports.size;
  }

  get lostImports(): number {
    return this.#imports.size;
  }

  findImport(importer: string, specifier: string): LostImport | undefined {
    return this.#imports.get(toKey(importer, specifier));
  }

  /** Takes an error of esbuild. False when it says nothing new, so that another build would fail in the same way. */
  take({ text, location, notes }: Message, toSource: ToSource): boolean {
    const name = location ? toUsersFile(location.file) : undefined;
    if (!location || name === undefined) return false;
    const path = resolve(this.#root, name);
    const place = { file: relative(this.#root, path), ...toSource(path, location) };
    const [, quoted] = LOST.exec(text) ?? [];
    if (quoted !== undefined) {
      const specifier = unquote(quoted);
      const hints = notes.map((note) => note.text);
      return this.addImport({
        importer: path,
        specifier,
        problem: toImportProblem({ root: this.#root, specifier, place, hints }),
      });
    }
    if (this.#isConfig(path)) {
      const message = `is no JSON: ${text}; until that is mended it counts as empty`;
      this.configs.set(path, { severity: 'warning', ...place, message });
      return true;
    }
    // The first error is the one to mend; what follows is often its echo.
    if (this.files.has(path)) return false;
    this.files.set(path, { severity: 'error', ...place, message: toMessage(text, notes) });
    return true;
  }

  /** Such a file may be imported, too: then its second error is one of code. Another name, as of a file that a tsconfig extends, shows by its second error. */
  #isConfig(path: string): boolean {
    if (this.configs.has(path)) return false;
    return CONFIG.test(basename(path)) || (path.endsWith('.json') && this.files.has(path));
  }

  /** False when it is known. */
  addImport(lost: LostImport): boolean {
    const key = toKey(lost.importer, lost.specifier);
    if (this.#imports.has(key)) return false;
    this.#imports.set(key, lost);
    return true;
  }
}

const NO_EXPORT = /^No matching export in ("[^"]*") for import ("[^"]*")$/;
const NO_LOADER = /^No loader is configured for "[^"]*" files: (.*)$/;

/** With what to do, where the text does not say it. */
function toMessage(text: string, notes: Message['notes']): string {
  const [, from, name] = NO_EXPORT.exec(text) ?? [];
  if (from !== undefined) {
    const [, meant] = /^Did you mean to import ("[^"]*")/.exec(notes[0]?.text ?? '') ?? [];
    const advice = meant === undefined ? 'export it there, or correct the name' : `did you mean ${meant}?`;
    return `No matching export in ${from} for import ${name}: ${advice}`;
  }
  const [, file] = NO_LOADER.exec(text) ?? [];
  if (file !== undefined) return `${file} is no code and cannot be imported: read it as a file, e.g. with node:fs`;
  return text;
}

function toKey(importer: string, specifier: string): string {
  return JSON.stringify([importer, specifier]);
}

/** esbuild quotes as Go does, which for all but odd characters is as JSON does. */
function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    // An escape that JSON does not know: the text between the quotes is as near as it gets.
    return quoted.slice(1, -1);
  }
}
