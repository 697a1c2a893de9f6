const HINT_LENGTHS = 32;
const HINT_LETTERS = 32;

/**
 * Looks up header names in any case, for a table of few names among many that are looked up.
 * A name that is not in the table costs two reads of its text: its length and its first letter.
 */
export class HeaderTable {
  /** Indexes into `#names`, by hint. */
  readonly #byHint: readonly (readonly number[] | undefined)[];
  readonly #names: readonly string[];
  readonly #lowerNames: readonly string[];
  readonly #ids: readonly number[];

  /** `ids`: the usual spelling of each name, e.g. `Content-Length`, with its id, which is not 0. */
  constructor(ids: Readonly<Record<string, number>>) {
    const byHint: (number[] | undefined)[] = new Array(HINT_LENGTHS * HINT_LETTERS).fill(undefined);
    this.#names = Object.keys(ids);
    // The keys of an object are found faster as its keys again.
    this.#lowerNames = Object.keys(Object.fromEntries(this.#names.map((name) => [name.toLowerCase(), true])));
    this.#ids = Object.values(ids);
    this.#names.forEach((name, index) => {
      const hint = hintOf(name.length, name.charCodeAt(0));
      byHint[hint] = [...(byHint[hint] ?? []), index];
    });
    this.#byHint = byHint;
  }

  /** The id of the name; 0 if the table does not hold it. */
  idOf(name: string): number {
    const candidates = this.#byHint[hintOf(name.length, name.charCodeAt(0))];
    return candidates === undefined ? 0 : this.#idAmong(candidates, name);
  }

  /** The same for the name that begins at `from` of `text`. It is not cut out: V8 compares a long slice by a slow call. */
  idAt(text: string, from: number, length: number): number {
    const candidates = this.#byHint[hintOf(length, text.charCodeAt(from))];
    if (candidates === undefined) return 0;
    for (const index of candidates) {
      const lowerName = this.#lowerNames[index] as string; // indexes of #lowerNames
      if (lowerName.length === length && isAt(text, from, lowerName)) return this.#ids[index] as number; // and of #ids
    }
    return 0;
  }

  /**
   * The name that begins at `from` of `text`, as it is spelled there. A usual spelling is the text of the table, which V8 compares with others by its
   * address; a slice it compares by a slow call.
   */
  nameAt(text: string, from: number, length: number): string {
    const candidates = this.#byHint[hintOf(length, text.charCodeAt(from))];
    if (candidates !== undefined) {
      for (const index of candidates) {
        const name = this.#names[index] as string; // indexes of #names
        if (name.length === length && text.startsWith(name, from)) return name;
      }
    }
    return text.slice(from, from + length);
  }

  /** The name in lower case, as a text of the table if it is usual. */
  lowerNameOf(name: string): string {
    const candidates = this.#byHint[hintOf(name.length, name.charCodeAt(0))];
    if (candidates === undefined) return name.toLowerCase();
    for (const index of candidates) if (name === this.#names[index]) return this.#lowerNames[index] as string; // of #names, too
    return name.toLowerCase();
  }

  #idAmong(candidates: readonly number[], name: string): number {
    for (const index of candidates) {
      if (name === this.#names[index] || name === this.#lowerNames[index]) return this.#ids[index] as number; // indexes of #ids
    }
    const lowerName = name.toLowerCase();
    for (const index of candidates) if (lowerName === this.#lowerNames[index]) return this.#ids[index] as number;
    return 0;
  }
}

/** Whether a name, in lower case, is at `from` of `text` in any case. */
export function isAt(text: string, from: number, lowerName: string): boolean {
  for (let at = 0; at < lowerName.length; at++) {
    const code = text.charCodeAt(from + at);
    const lowerCode = lowerName.charCodeAt(at);
    // One bit tells a capital letter from a small one.
    if (code !== lowerCode && ((code | 0x20) !== lowerCode || lowerCode < SMALL_A || lowerCode > SMALL_Z)) return false;
  }
  return true;
}

const SMALL_A = 0x61;
const SMALL_Z = 0x7a;

/** The last five bits of a letter are the same in upper and lower case. Longer names share one row. */
function hintOf(length: number, firstCode: number): number {
  return Math.min(length, HINT_LENGTHS - 1) * HINT_LETTERS + (firstCode & (HINT_LETTERS - 1));
}

/** Whether a list of tokens such as a `Connection` value holds `option`, which is in lower case. */
export function listHas(value: string, option: string): boolean {
  if (value === option) return true;
  if (value.length < option.length) return false;
  return value
    .toLowerCase()
    .split(',')
    .some((entry) => entry.trim() === option);
}

/** Values of repeated headers are one list (RFC 9110 5.3). */
export function joinValues(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
