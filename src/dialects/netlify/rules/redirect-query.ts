/** The result of matching a rule's `query` against the query of a request. */
export interface QueryMatch {
  /** Decoded values, by the names after the colons. */
  readonly captures: ReadonlyMap<string, string>;
  /** The parameters that the rule does not name, unchanged; '' for none. */
  readonly rest: string;
}

/**
 * The `query` of a rule. The request must have each of its parameters, with the given value, or
 * with any value for `:name`, also an empty one. Of several parameters of one name the last counts.
 * The request may have others too.
 */
export class RedirectQuery {
  readonly #required: ReadonlyMap<string, string>;

  constructor(required: Readonly<Record<string, string>>) {
    this.#required = new Map(Object.entries(required));
  }

  /** `target`: the request target (path and query). Undefined if the query does not match. */
  match(target: string): QueryMatch | undefined {
    const query = queryOf(target);
    if (this.#required.size === 0) return { captures: NONE, rest: query };
    const values = new URLSearchParams(query);
    const captures = new Map<string, string>();
    for (const [name, required] of this.#required) {
      if (required.startsWith(':')) {
        const value = values.getAll(name).at(-1);
        if (value === undefined) return undefined;
        captures.set(required.slice(1), value);
      } else if (values.getAll(name).at(-1) !== required) return undefined;
    }
    return { captures, rest: withoutParameters(query, this.#required) };
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

/** The query of a request target, without its question mark; '' for none. */
export function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at < 0 ? '' : target.slice(at + 1);
}

/** The query without the parameters of these names. The others stay unchanged, byte for byte. */
export function withoutParameters(query: string, names: { has(name: string): boolean }): string {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !names.has([...new URLSearchParams(pair).keys()][0] ?? ''))
    .join('&');
}
