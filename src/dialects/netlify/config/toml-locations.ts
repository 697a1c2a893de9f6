/** From the root of the document: keys of tables, and indices of arrays of tables. */
export type TomlPath = readonly (string | number)[];

/** Tells on which line of a TOML document something stands, which its parser does not. */
export class TomlPlaces {
  readonly #lines = new Map<string, number>();
  /** Tables of each array of tables so far, by its path. */
  readonly #counts = new Map<string, number>();

  /** The document must be right; of what its lines hold, headers and keys alone are looked at. */
  constructor(text: string) {
    let table: TomlPath = [];
    let quote: string | undefined;
    for (const [index, line] of text.split('\n').entries()) {
      if (quote === undefined) table = this.#read(line, index + 1, table);
      quote = quoteAfter(line, quote);
    }
  }

  /** Of a table or a value, from 1; of what stands nearest around it when it has no line of its own, such as one in an inline table. */
  lineOf(path: TomlPath): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(toKey(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  #read(line: string, number: number, table: TomlPath): TomlPath {
    const [, opening = '', header] = HEADER.exec(line) ?? [];
    if (header !== undefined) {
      const path = opening === '[[' ? this.#addTo(toNames(header)) : this.#resolve(toNames(header));
      this.#note(path, number);
      return path;
    }
    const [, key] = ASSIGNMENT.exec(line) ?? [];
    if (key !== undefined) this.#note([...table, ...toNames(key)], number);
    return table;
  }

  #note(path: TomlPath, number: number): void {
    const key = toKey(path);
    if (!this.#lines.has(key)) this.#lines.set(key, number);
  }

  #addTo(names: readonly string[]): TomlPath {
    const path = [...this.#resolve(names.slice(0, -1)), ...names.slice(-1)];
    const count = this.#counts.get(toKey(path)) ?? 0;
    this.#counts.set(toKey(path), count + 1);
    return [...path, count];
  }

  /** A name of an array of tables means the last of them. */
  #resolve(names: readonly string[]): TomlPath {
    const path: (string | number)[] = [];
    for (const name of names) {
      path.push(name);
      const count = this.#counts.get(toKey(path));
      if (count !== undefined) path.push(count - 1);
    }
    return path;
  }
}

const NAME = String.raw`(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)`;
const NAMES = String.raw`\s*(${NAME}(?:\s*\.\s*${NAME})*)\s*`;
const HEADER = new RegExp(String.raw`^\s*(\[\[?)${NAMES}\]`);
const ASSIGNMENT = new RegExp(`^${NAMES}=`);

function toNames(key: string): string[] {
  return [...key.matchAll(new RegExp(NAME, 'g'))].map(([name]) => unquote(name));
}

function unquote(name: string): string {
  if (name.startsWith("'")) return name.slice(1, -1);
  // TOML has one escape more than JSON, for characters that no key of a configuration has.
  return name.startsWith('"') && !name.includes('\\U') ? String(JSON.parse(name)) : name;
}

/** The quote of a text that goes on over the next line; undefined if none does. */
function quoteAfter(line: string, before: string | undefined): string | undefined {
  let quote = before;
  for (const [mark] of line.matchAll(/"""|'''/g)) {
    if (quote === undefined) quote = mark;
    else if (quote === mark) quote = undefined;
  }
  return quote;
}

function toKey(path: TomlPath): string {
  return JSON.stringify(path);
}
