/** What the `query` of a rule asks of a request's own. */
export interface QueryMatch {
  /** Decoded values, by the names that stand behind the colons. */
  readonly captures: ReadonlyMap<string, string>;
  /** The parameters that the rule is not about, as they came; '' for none. */
  readonly rest: string;
}

/** The `query` of a rule: each of its parameters must be there, with its value, or with any one for `:name`. Others may be there, too. */
export class RedirectQuery {
  readonly #wanted: ReadonlyMap<string, string>;

  constructor(query: Readonly<Record<string, string>>) {
    this.#wanted = new Map(Object.entries(query));
  }

  /** Undefined when the request is not meant. */
  match(target: string): QueryMatch | undefined {
    const asked = queryOf(target);
    if (this.#wanted.size === 0) return { captures: NONE, rest: asked };
    const values = new URLSearchParams(asked);
    const captures = new Map<string, string>();
    for (const [name, wanted] of this.#wanted) {
      if (wanted.startsWith(':')) {
        const value = values.get(name);
        if (!value) return undefined;
        captures.set(wanted.slice(1), value);
      } else if (!values.getAll(name).includes(wanted)) return undefined;
    }
    return { captures, rest: withoutParameters(asked, this.#wanted) };
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Without its question mark. */
export function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at < 0 ? '' : target.slice(at + 1);
}

/** The others as they came, byte for byte. */
export function withoutParameters(query: string, names: { has(name: string): boolean }): string {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !names.has([...new URLSearchParams(pair).keys()][0] ?? ''))
    .join('&');
}
