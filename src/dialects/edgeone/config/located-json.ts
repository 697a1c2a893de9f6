/** Where something stands in a text; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A JSON text and where its values stand. */
export interface LocatedJson {
  readonly value: unknown;
  /** Of the value at a path such as `headers[2].source`; of the value nearest above it when there is none. */
  placeOf(path: string): Place;
}

/** The text is no JSON: what was met instead, and where. */
export class JsonError extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

/**
 * Reads JSON (RFC 8259) and remembers where each value stands, which JSON.parse does not, and which it does not always tell of an error either.
 * Throws a JsonError.
 */
export function parseLocated(text: string): LocatedJson {
  const parser = new Parser(text);
  const value = parser.parse();
  return { value, placeOf: (path) => parser.placeOf(path) };
}

/** A string, a mark, or a word, which may be a number, a literal or nonsense. */
const TOKEN = /"(?:[^"\\]|\\.)*"?|[[\]{}:,]|[^ \t\r\n[\]{}:,"]+/gsy;

/** Deeper than any configuration, and not so deep that the stack would end before. */
const MAX_DEPTH = 100;

class Parser {
  readonly #text: string;
  readonly #starts = new Map<string, number>();
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): unknown {
    const value = this.#value('');
    const rest = this.#peek();
    if (rest !== '') this.#fail(`the end of the file expected, got ${rest}`);
    return value;
  }

  placeOf(path: string): Place {
    for (let nearest = path; nearest !== ''; nearest = parentOf(nearest)) {
      const start = this.#starts.get(nearest);
      if (start !== undefined) return this.#toPlace(start);
    }
    return this.#toPlace(this.#starts.get('') ?? 0);
  }

  #value(path: string): unknown {
    const token = this.#peek();
    this.#starts.set(path, this.#at);
    if (++this.#depth > MAX_DEPTH) this.#fail('nested too deep');
    const value = token === '{' ? this.#object(path) : token === '[' ? this.#array(path) : this.#scalar(token);
    this.#depth--;
    return value;
  }

  #object(path: string): Record<string, unknown> {
    const members = new Map<string, unknown>();
    this.#take('{');
    while (this.#peek() !== '}') {
      if (members.size > 0) this.#take(',');
      if (!this.#peek().startsWith('"')) this.#fail(`a key in double quotes expected, got ${this.#seen()}`);
      const key = String(this.#scalar(this.#peek()));
      this.#take(':');
      members.set(key, this.#value(path === '' ? key : `${path}.${key}`));
    }
    this.#take('}');
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries(members);
  }

  #array(path: string): unknown[] {
    const items: unknown[] = [];
    this.#take('[');
    while (this.#peek() !== ']') {
      if (items.length > 0) this.#take(',');
      items.push(this.#value(`${path}[${items.length}]`));
    }
    this.#take(']');
    return items;
  }

  #scalar(token: string): unknown {
    try {
      const value: unknown = JSON.parse(token);
      this.#at += token.length;
      return value;
    } catch {
      // The words of JSON.parse are about the token alone.
      return this.#fail(`a value expected, got ${this.#seen()}`);
    }
  }

  #take(mark: string): void {
    if (this.#peek() !== mark) this.#fail(`"${mark}" expected, got ${this.#seen()}`);
    this.#at += mark.length;
  }

  /** The next token, '' at the end; `#at` then stands where it starts. */
  #peek(): string {
    while (/[ \t\r\n]/.test(this.#text.charAt(this.#at))) this.#at++;
    TOKEN.lastIndex = this.#at;
    return TOKEN.exec(this.#text)?.[0] ?? '';
  }

  #seen(): string {
    const token = this.#peek();
    return token === '' ? 'the end of the file' : token.slice(0, 40);
  }

  #fail(message: string): never {
    throw new JsonError(message, this.#toPlace(this.#at));
  }

  #toPlace(offset: number): Place {
    const before = this.#text.slice(0, offset);
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.'), path.lastIndexOf('[')));
}
