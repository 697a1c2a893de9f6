import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { hasCode, isMissingFile } from '../contract/error-code.ts';
import { messageOf } from '../contract/error-message.ts';
import type { Problem } from '../contract/problem.ts';

/** The second file is read only if the first is missing, as on EdgeOne; they are never merged. */
const FILES = ['.env', '.env.local'];

/** The variables in the `.env` file of a site. */
export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /**
   * The line of each variable, from 1. If a variable is assigned twice, the line of the assignment
   * that counts.
   */
  readonly lines: ReadonlyMap<string, number>;
  /** Name of the file; '' if there is none. */
  readonly file: string;
  /** One for each unused line. They never contain the text of the line, which may be a secret. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the `.env` of a site, or else its `.env.local`. Empty if there is neither. Never throws for
 * the content.
 */
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
 * The lines of one file. Each assignment is passed to Node's parser separately, because that parser
 * silently skips text that it cannot parse and continues at an undefined position.
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

  /** Reads the assignment that begins on a line. Returns its number of lines. */
  #take(at: number): number {
    const line = this.#lines[at] ?? '';
    if (EMPTY.test(line)) return 1;
    const [start, quote] = START.exec(line) ?? [];
    if (start === undefined) return this.#complain(at, 'is not of the form NAME=value');
    if (!quote) return this.#assign(at, line);
    return this.#takeQuoted(at, start.length, quote);
  }

  /** A quoted value may span several lines. The quote itself cannot be escaped. */
  #takeQuoted(at: number, start: number, quote: string): number {
    const text = this.#lines.slice(at).join('\n');
    const end = text.indexOf(quote, start);
    if (end < 0) return this.#complain(at, `the quote ${quote} is not closed`);
    const [rest = ''] = text.slice(end + 1).split('\n', 1);
    if (!EMPTY.test(rest)) {
      return this.#complain(at, `there is text after the closing ${quote}; put other quotes around the value`);
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

/** A folder of this name is no error: Python stores its environments in `.env/`. */
function isNoFile(error: unknown): boolean {
  return isMissingFile(error) || hasCode(error, 'EISDIR');
}
