import type { Problem } from '../../../contract/problem.ts';
import { TomlLocations, type TomlPath } from './toml-locations.ts';

export const TOML_FILE = 'netlify.toml';

/** Collects the problems of the site's `netlify.toml`, with their lines. */
export class TomlProblems {
  readonly list: Problem[] = [];
  readonly #locations: TomlLocations;
  readonly #reported = new Set<string>();

  constructor(text: string) {
    this.#locations = new TomlLocations(text);
  }

  /**
   * Adds a problem with the value at `path`. `message` continues a sentence whose subject is that
   * path.
   */
  add(path: TomlPath, message: string, severity: Problem['severity'] = 'warning'): void {
    this.#reported.add(toText(path));
    this.list.push({ severity, file: TOML_FILE, ...this.lineOf(path), message: `${toText(path)} ${message}` });
  }

  /** Whether there is a problem with the value itself at `path`. */
  has(path: TomlPath): boolean {
    return this.#reported.has(toText(path));
  }

  /** The setting at `path`, for what depends on its value. */
  origin(path: TomlPath): { readonly file: string; readonly line?: number; readonly key: string } {
    return { file: TOML_FILE, ...this.lineOf(path), key: toText(path) };
  }

  /** The line of the value at `path`, to be spread into a problem or a location. */
  lineOf(path: TomlPath): { readonly line?: number } {
    const line = this.#locations.lineOf(path);
    return line === undefined ? {} : { line };
  }
}

/** For example `redirects[2].status`. */
function toText(path: TomlPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
