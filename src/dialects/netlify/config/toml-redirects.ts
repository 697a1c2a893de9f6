import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import { IN_TOML, readRateLimit } from './rate-limit.ts';
import { type RedirectRule, toForwardDestination } from './redirect-rule.ts';
import { CONDITIONS, toConditions } from './rule-conditions.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/**
 * Reads the tables `[[redirects]]` at `path`. Returns those whose values have the right types;
 * reports and omits the others.
 */
export function toRedirects({ path, value: redirects }: FoundValue, problems: TomlProblems): readonly RedirectRule[] {
  if (redirects === undefined) return [];
  if (!Array.isArray(redirects)) {
    problems.add(path, 'must be tables, written as [[redirects]]; it is not used', 'error');
    return [];
  }
  return redirects.flatMap((table: unknown, index) => {
    const rule = new Rule(table, [...path, index], problems).toRedirect();
    return rule === undefined ? [] : [rule];
  });
}

/** The keys that nexthop uses, each with its older names. */
const FROM = ['from', 'origin'];
const TO = ['to', 'destination'];
const QUERY = ['query', 'params', 'parameters'];
const SIGNED = ['signed', 'signing', 'sign'];
const KNOWN: ReadonlySet<string> = new Set([
  ...FROM,
  ...TO,
  ...['status', 'force', 'conditions'],
  ...QUERY,
  ...SIGNED,
  'headers',
  'rate_limit',
]);

/** All keys that the platform supports, most used first. */
const KEYS: readonly string[] = [...KNOWN, 'edge_handler', 'edge_handlers'];

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
  toRedirect(): RedirectRule | undefined {
    const from = this.#text(FROM);
    const status = this.#status();
    const isForward = this.#find(TO)[1] === undefined;
    const signed = this.#find(SIGNED)[1] === undefined ? undefined : this.#text(SIGNED);
    const rule: RedirectRule = {
      file: TOML_FILE,
      ...this.#problems.lineOf(this.#path),
      from,
      to: (isForward ? toForwardDestination(from, status) : undefined) ?? this.#text(TO),
      status,
      force: this.#force(),
      query: this.#texts(QUERY),
      conditions: this.#conditions(),
      ...(signed !== undefined && { signed }),
      headers: this.#texts(['headers']),
      ...this.#rateLimit(from),
      others: Object.keys(this.#table).filter((key) => !KNOWN.has(key)),
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
    // As on the platform, which reads the digits of a text: "200!" is 200.
    const status = typeof value === 'string' ? Number.parseInt(value, 10) : Number(value);
    if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
    return this.#refuse(key, 'must be a status, such as 301', value, 301);
  }

  #force(): boolean {
    const [key, value = false] = this.#find(['force']);
    return typeof value === 'boolean' ? value : this.#refuse(key, 'must be true or false', value, false);
  }

  #conditions(): RedirectRule['conditions'] {
    const [key, value = {}] = this.#find(['conditions']);
    if (isTable(value)) {
      const entries = Object.entries(value);
      if (entries.every((entry): entry is [string, string | string[]] => isText(entry[1]))) {
        return toConditions(Object.fromEntries(entries));
      }
    }
    return this.#refuse(key, 'must be a table of strings, or of lists of strings', value, {});
  }

  /** A wrong one does not omit the redirect: its requests would reach the next hop. */
  #rateLimit(from: string): Pick<RedirectRule, 'rateLimit'> {
    const { rate_limit: value, ...others } = this.#table;
    if (value === undefined) return {};
    const part = { file: TOML_FILE, part: `redirect ${JSON.stringify(others)}`, name: 'redirect', paths: [from] };
    const { rule, problems } = readRateLimit(value, IN_TOML, part);
    for (const { severity, key, message } of problems) {
      this.#problems.add([...this.#path, 'rate_limit', ...(key === '' ? [] : [key])], message, severity);
    }
    return { rateLimit: rule };
  }

  #texts(keys: readonly string[]): Readonly<Record<string, string>> {
    const [key, value = {}] = this.#find(keys);
    if (isTable(value)) {
      const entries = Object.entries(value);
      if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
        return Object.fromEntries(entries);
      }
    }
    return this.#refuse(key, 'must be a table of strings', value, {});
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

function isText(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
}
