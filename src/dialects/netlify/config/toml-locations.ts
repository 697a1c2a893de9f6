/** A path from the root of the document: keys of tables, and indices of arrays. */
export type TomlPath = readonly (string | number)[];

/** A value of the document. */
export interface FoundValue {
  readonly path: TomlPath;
  /** Undefined if there is none at the path. */
  readonly value: unknown;
}

/**
 * Finds the line of every key and table of a TOML document, which the parser does not report. Scans
 * the whole text by the grammar of TOML 1.0, so that text inside strings, comments and arrays is
 * not treated as a key.
 */
export class TomlLocations {
  readonly #scanner: Scanner;

  /**
   * `text` must be a document that the parser has accepted. For any other text the lines may be
   * wrong.
   */
  constructor(text: string) {
    this.#scanner = new Scanner(text);
    this.#scanner.scan();
  }

  /**
   * The line of a table or a value, from 1. For a path that does not exist: the line of the nearest
   * enclosing table. Undefined for a path outside of the document.
   */
  lineOf(path: TomlPath): number | undefined {
    const { lines, impliedLines } = this.#scanner;
    for (let length = path.length; length > 0; length--) {
      const key = toKey(path.slice(0, length));
      const line = lines.get(key) ?? impliedLines.get(key);
      if (line !== undefined) return line;
    }
    return undefined;
  }
}

class Scanner {
  /** Lines of tables with a header, and of keys with a value. */
  readonly lines = new Map<string, number>();
  /** Lines of tables that exist only because a longer header or a dotted key contains them. */
  readonly impliedLines = new Map<string, number>();
  /** The number of tables read so far in each array of tables, by its path. */
  readonly #counts = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  /** The offset up to which line feeds are counted, and the line at that offset. */
  #countedTo = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    let table: TomlPath = [];
    this.#each('', () => {
      if (this.#peek() === '[') table = this.#header();
      else this.#assignment(table);
    });
  }

  /**
   * Reads elements until `bracket` and moves past it; '' reads to the end of the text. Also ends if
   * an element consumes no text, which happens only in a document that the parser has refused.
   */
  #each(bracket: ']' | '}' | '', read: (index: number) => void): void {
    for (let index = 0; ; index++) {
      this.#skip(BETWEEN);
      if (this.#at >= this.#text.length) return;
      if (this.#peek() === bracket) {
        this.#at++;
        return;
      }
      const start = this.#at;
      read(index);
      if (this.#at === start) return;
    }
  }

  #header(): TomlPath {
    const line = this.#currentLine();
    const isArray = this.#skip(/\[\[/y);
    if (!isArray) this.#skip(/\[/y);
    const names = this.#names();
    this.#skip(/[ \t]*\]\]?/y);
    const path = isArray ? this.#append(names) : this.#resolve(names);
    this.#note(path, line);
    return path;
  }

  #assignment(table: TomlPath): void {
    const line = this.#currentLine();
    const path = [...table, ...this.#names()];
    this.#skip(/[ \t]*=[ \t]*/y);
    this.#note(path, line);
    this.#value(path);
  }

  #value(path: TomlPath): void {
    const [quotes] = /^(?:"""|'''|"|')/.exec(this.#text.slice(this.#at, this.#at + 3)) ?? [];
    if (quotes !== undefined) this.#string(quotes);
    else if (this.#skip(/\[/y)) this.#each(']', (index) => this.#element([...path, index]));
    else if (this.#skip(/\{/y)) this.#each('}', () => this.#assignment(path));
    else this.#skip(/[^,\]}#\r\n]+/y);
  }

  #element(path: TomlPath): void {
    this.lines.set(toKey(path), this.#currentLine());
    this.#value(path);
  }

  /** A multi-line string may end with up to two quotes of its content before the closing quotes. */
  #string(quotes: string): void {
    this.#at += quotes.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(quotes, this.#at)) {
      this.#at += quotes.startsWith('"') && this.#peek() === '\\' ? 2 : 1;
    }
    this.#at += quotes.length;
    if (quotes.length === 3) for (let more = 0; more < 2 && this.#peek() === quotes[0]; more++) this.#at++;
  }

  #names(): string[] {
    const names: string[] = [];
    do {
      this.#skip(/[ \t]*/y);
      names.push(unquote(this.#take(/"(?:[^\\"\n]|\\.)*"|'[^'\n]*'|[\w-]+/y)));
    } while (this.#skip(/[ \t]*\./y));
    return names;
  }

  #append(names: readonly string[]): TomlPath {
    const path = [...this.#resolve(names.slice(0, -1)), ...names.slice(-1)];
    const count = this.#counts.get(toKey(path)) ?? 0;
    this.#counts.set(toKey(path), count + 1);
    return [...path, count];
  }

  /** The name of an array of tables refers to its last table. */
  #resolve(names: readonly string[]): TomlPath {
    const path: (string | number)[] = [];
    for (const name of names) {
      path.push(name);
      const count = this.#counts.get(toKey(path));
      if (count !== undefined) path.push(count - 1);
    }
    return path;
  }

  #note(path: TomlPath, line: number): void {
    setNew(this.lines, path, line);
    for (let length = 1; length < path.length; length++) setNew(this.impliedLines, path.slice(0, length), line);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** Moves past the match of the sticky expression; false if it matches no text. */
  #skip(expression: RegExp): boolean {
    return this.#take(expression) !== '';
  }

  #take(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const [found = ''] = expression.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #currentLine(): number {
    for (; this.#countedTo < this.#at; this.#countedTo++) if (this.#text[this.#countedTo] === '\n') this.#line++;
    return this.#line;
  }
}

/** Whitespace, line ends, comments, and the commas of arrays and inline tables. */
const BETWEEN = /(?:[ \t\r\n,]+|#[^\n]*)*/y;

function setNew(lines: Map<string, number>, path: TomlPath, line: number): void {
  const key = toKey(path);
  if (!lines.has(key)) lines.set(key, line);
}

function unquote(name: string): string {
  if (name.startsWith("'")) return name.slice(1, -1);
  return name.startsWith('"') ? name.slice(1, -1).replace(ESCAPE, toCharacter) : name;
}

const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\x1b' };

function toCharacter(_all: string, short?: string, long?: string, letter = ''): string {
  const hex = short ?? long;
  return hex === undefined ? (SHORT_ESCAPES[letter] ?? letter) : String.fromCodePoint(Number.parseInt(hex, 16));
}

function toKey(path: TomlPath): string {
  return JSON.stringify(path);
}
