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
  readonly #ids: readonly number[];

  /** `ids`: the usual spelling of each name, e.g. `Content-Length`, with its id, which is not 0. */
  constructor(ids: Readonly<Record<string, number>>) {
    const byHint: (number[] | undefined)[] = new Array(HINT_LENGTHS * HINT_LETTERS).fill(undefined);
    this.#names = Object.keys(ids);
    this.#ids = Object.values(ids);
    this.#names.forEach((name, index) => {
      const hint = hintOf(name);
      byHint[hint] = [...(byHint[hint] ?? []), index];
    });
    this.#byHint = byHint;
  }

  /** The id of the name; 0 if the table does not hold it. */
  idOf(name: string): number {
    const candidates = this.#byHint[hintOf(name)];
    if (candidates === undefined) return 0;
    for (const index of candidates) {
      const known = this.#names[index] as string; // indexes of #names
      if (name === known || (name.length === known.length && name.toLowerCase() === known.toLowerCase())) {
        return this.#ids[index] as number;
      }
    }
    return 0;
  }
}

/** The last five bits of a letter are the same in upper and lower case. Longer names share one row. */
function hintOf(name: string): number {
  return Math.min(name.length, HINT_LENGTHS - 1) * HINT_LETTERS + (name.charCodeAt(0) & (HINT_LETTERS - 1));
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
