import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Problem } from '../contract/problem.ts';

/** The second counts only where the first is missing, as on EdgeOne; they are never merged. */
const FILES = ['.env', '.env.local'];

/** The variables that a site brings along. */
export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** The line of each, from 1; of two the one that counts. */
  readonly lines: ReadonlyMap<string, number>;
  /** Its name; '' if there is none. */
  readonly file: string;
  /** One for each line that is not used. They never show what stands there: it may be a secret. */
  readonly problems: readonly Problem[];
}

/** Reads the `.env` of a site, else its `.env.local`. Empty when there is neither; never throws for what they contain. */
export async function readEnvFile(root: string): Promise<EnvFile> {
  for (const file of FILES) {
    try {
      const text = await readFile(join(root, file), 'utf8');
      return new Lines(file, text).read();
    } catch (error) {
      if (isNoFile(error)) continue;
      return { ...NO_VALUES, problems: [{ severity: 'error', file, message: `cannot be read: ${messageOf(error)}` }] };
    }
  }
  return NO_VALUES;
}

const NO_VALUES: EnvFile = { values: {}, lines: new Map(), file: '', problems: [] };

const EMPTY = /^\s*(?:#|$)/;
const START = /^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(["'`]?)/;

/**
 * The lines of one file. Each assignment is given to Node's parser by itself, as that one passes over what it does not
 * understand without a word, and then goes on at a place of its own choice.
 */
class Lines {
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #values = new Map<string, string>();
  readonly #lineOf = new Map<string, number>();
  readonly #problems: Problem[] = [];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  }

  read(): EnvFile {
    for (let at = 0; at < this.#lines.length; ) at += this.#take(at);
    return {
      values: Object.fromEntries(this.#values),
      lines: this.#lineOf,
      file: this.#file,
      problems: this.#problems,
    };
  }

  /** Takes the assignment that begins on a line; returns how many lines it is long. */
  #take(at: number): number {
    const line = this.#lines[at] ?? '';
    if (EMPTY.test(line)) return 1;
    const [start, quote] = START.exec(line) ?? [];
    if (start === undefined) return this.#complain(at, 'is no NAME=value');
    if (!quote) return this.#assign(at, line);
    return this.#takeQuoted(at, start.length, quote);
  }

  /** A value in quotes may go on over several lines. There is no way to write the quote itself in it. */
  #takeQuoted(at: number, start: number, quote: string): number {
    const text = this.#lines.slice(at).join('\n');
    const end = text.indexOf(quote, start);
    if (end < 0) return this.#complain(at, `the quote ${quote} is not closed`);
    const [behind = ''] = text.slice(end + 1).split('\n', 1);
    if (!EMPTY.test(behind)) {
      return this.#complain(at, `something stands behind the closing ${quote}; put other quotes around the value`);
    }
    return this.#assign(at, text.slice(0, end + 1));
  }

  #assign(at: number, text: string): number {
    for (const [name, value] of Object.entries(parseEnv(text))) {
      this.#values.set(name, value ?? '');
      this.#lineOf.set(name, at + 1);
    }
    return text.split('\n').length;
  }

  #complain(at: number, message: string): number {
    this.#problems.push({
      severity: 'warning',
      file: this.#file,
      line: at + 1,
      message: `${message}; the line is not used`,
    });
    return 1;
  }
}

const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** A folder of this name belongs to something else: Python keeps its environments in `.env/`. */
function isNoFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NO_FILE.has(String(error.code));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
