import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import type { TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/**
 * Reads the tables `[[redirects]]`. Returns those whose values have the right types; reports and
 * omits the others.
 */
export function toRedirects(redirects: unknown, problems: TomlProblems): readonly TomlRedirect[] {
  if (redirects === undefined) return [];
  if (!Array.isArray(redirects)) {
    problems.add(['redirects'], 'must be tables, written as [[redirects]]; it is not used', 'error');
    return [];
  }
  return redirects.flatMap((table: unknown, index) => {
    const rule = new Rule(table, ['redirects', index], problems).toRedirect();
    return rule === undefined ? [] : [rule];
  });
}

/** The keys that nexthop uses, each with its older names. */
const FROM = ['from', 'origin'];
const TO = ['to', 'destination'];
const QUERY = ['query', 'params', 'parameters'];
const KNOWN: ReadonlySet<string> = new Set([...FROM, ...TO, ...QUERY, 'status', 'force']);

/** All keys that the platform knows, most used first. */
const KEYS: readonly string[] = [
  ...KNOWN,
  ...['conditions', 'signed', 'signing', 'sign', 'headers', 'rate_limit', 'edge_handler', 'edge_handlers'],
];

const CONDITIONS: readonly string[] = ['Country', 'Language', 'Role', 'Cookie'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

class Rule {
  readonly #table: Readonly<Record<string, unknown>>;
  readonly #path: TomlPath;
  readonly #problems: TomlProblems;
  #isRight = true;

  constructor(table: unknown, path: TomlPath, problems: TomlProblems) {
    this.#table = isTable(table) ? table : {};
    this.#path = path;
    this.#problems = problems;
  }

  /**
   * Undefined if any part is wrong: a rule without that part could redirect requests that it was
   * not written for.
   */
  toRedirect(): TomlRedirect | undefined {
    const rule = {
      file: TOML_FILE,
      ...this.#problems.lineOf(this.#path),
      from: this.#text(FROM),
      to: this.#text(TO),
      status: this.#status(),
      force: this.#force(),
      query: this.#query(),
      others: this.#others(),
    };
    this.#checkKeys([], this.#table, KEYS);
    if (isTable(this.#table.conditions)) this.#checkKeys(['conditions'], this.#table.conditions, CONDITIONS);
    return this.#isRight ? rule : undefined;
  }

  #text(keys: readonly string[]): string {
    const [key, value] = this.#find(keys);
    if (typeof value === 'string' && value !== '') return value;
    return this.#refuse(key, 'must be a string', value, '');
  }

  #status(): number {
    const [key, value = 301] = this.#find(['status']);
    const status = Number(value);
    if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
    return this.#refuse(key, 'must be a status, such as 301', value, 301);
  }

  #force(): boolean {
    const [key, value = false] = this.#find(['force']);
    return typeof value === 'boolean' ? value : this.#refuse(key, 'must be true or false', value, false);
  }

  #query(): TomlRedirect['query'] {
    const [key, value = {}] = this.#find(QUERY);
    if (isTable(value)) {
      const entries = Object.entries(value);
      if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
        return Object.fromEntries(entries);
      }
    }
    return this.#refuse(key, 'must be a table of strings', value, {});
  }

  #others(): readonly string[] {
    return Object.entries(this.#table).flatMap(([key, value]) => {
      if (KNOWN.has(key)) return [];
      return key === 'conditions' && isTable(value) ? Object.keys(value).map((name) => `${key}.${name}`) : [key];
    });
  }

  /**
   * The platform ignores an unknown key. Here the whole redirect is omitted, because the key may be
   * a misspelt condition that protects something.
   */
  #checkKeys(path: TomlPath, table: object, known: readonly string[]): void {
    for (const name of Object.keys(table).filter((each) => !known.includes(each))) {
      const message = `is no key of a redirect${didYouMean(name, known)}`;
      this.#problems.add([...this.#path, ...path, name], `${message}; the redirect is not used`);
      this.#isRight = false;
    }
  }

  /** The first of the keys that is set, else the preferred name. */
  #find(keys: readonly string[]): [key: string, value: unknown] {
    const key = keys.find((each) => each in this.#table) ?? keys[0] ?? '';
    return [key, this.#table[key]];
  }

  #refuse<T>(key: string, what: string, value: unknown, instead: T): T {
    const got = JSON.stringify(value) ?? 'nothing';
    this.#problems.add([...this.#path, key], `${what}, got ${got}; the redirect is not used`, 'error');
    this.#isRight = false;
    return instead;
  }
}

/**
 * One `[[redirects]]` of `netlify.toml`. Its values have the right types; their meaning is not yet
 * checked.
 */
export interface TomlRedirect {
  /** Relative to the site. */
  readonly file: string;
  /** The line of its table; undefined if unknown. */
  readonly line?: number;
  readonly from: string;
  readonly to: string;
  /** Default 301. */
  readonly status: number;
  /** Whether the rule takes precedence over files with the same path. */
  readonly force: boolean;
  /**
   * Query parameters that a request must have: name → required value, or `:name` for any non-empty
   * value.
   */
  readonly query: Readonly<Record<string, string>>;
  /** Other keys that are set: `conditions.Role`, `signed`, `headers`, … */
  readonly others: readonly string[];
}
