import type { Problem } from '../../../contract/problem.ts';
import { TomlLocations, type TomlPath } from './toml-locations.ts';

export const TOML_FILE = 'netlify.toml';

/** Gathers what is wrong with the site's `netlify.toml`, with its lines. */
export class TomlProblems {
  readonly problems: Problem[] = [];
  readonly #locations: TomlLocations;

  constructor(text: string) {
    this.#locations = new TomlLocations(text);
  }

  /** Of something in the document: `message` says what, as the rest of a sentence. */
  add(path: TomlPath, message: string, severity: Problem['severity'] = 'warning'): void {
    this.problems.push({ severity, file: TOML_FILE, ...this.lineOf(path), message: `${toWords(path)} ${message}` });
  }

  /** To be spread into whatever comes from there. */
  lineOf(path: TomlPath): { readonly line?: number } {
    const line = this.#locations.lineOf(path);
    return line === undefined ? {} : { line };
  }
}

/** `redirects[2].status`. */
function toWords(path: TomlPath): string {
  return path.reduce<string>((words, part) => {
    if (typeof part === 'number') return `${words}[${part}]`;
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return words === '' ? name : `${words}.${name}`;
  }, '');
}
