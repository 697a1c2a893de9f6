import { nearestWord } from '../../../contract/nearest-word.ts';
import { didYouMean } from '../../../contract/problem.ts';
import { isTable } from './config-values.ts';
import { IN_TOML, readRateLimit } from './rate-limit.ts';
import { CLOSED_NOTE, meansRole, type RedirectRule, toClosedRule, toForwardDestination } from './redirect-rule.ts';
import { CONDITIONS, toConditions } from './rule-conditions.ts';
import type { FoundValue, TomlPath } from './toml-locations.ts';
import { TOML_FILE, type TomlProblems } from './toml-problems.ts';

/**
 * Reads the tables `[[redirects]]` at `path`. Returns those whose values have the right types;
 * reports and omits the others. One that may protect its path closes it.
 */
export function toRedirects({ path, value: redirects }: FoundValue, problems: TomlProblems): readonly RedirectRule[] {
  if (redirects === undefined) return [];
  if (!Array.isArray(redirects)) return refuse(path, redirects, problems);
  return redirects.flatMap((table: unknown, index) => {
    const rule = new Rule(table, [...path, index], problems).toRedirect();
    return rule === undefined ? [] : [rule];
  });
}

/** Reports rules that may protect paths below a misspelt name. They close them. */
export function toLostRedirects({ path, value: table }: FoundValue, problems: TomlProblems): readonly RedirectRule[] {
  return Object.entries(isTable(table) ? table : {}).flatMap(([key, value]) => {
    const isMisspelt = !/^redirects$/i.test(key) && nearestWord(key, ['redirects']) !== undefined;
    return isMisspelt && toTables(value).some(mayGuard) ? refuse([...path, key], value, problems) : [];
  });
}

/** Reports rules in the wrong form, and closes the paths of those that may protect them. */
function refuse(path: TomlPath, value: unknown, problems: TomlProblems): readonly RedirectRule[] {
  const guards = toTables(value).filter(mayGuard);
  const effect = guards.length > 0 ? CLOSED_NOTE : 'it is not used';
  problems.add(path, `must be tables, written as [[redirects]]; ${effect}`, 'error');
  const place = { file: TOML_FILE, ...problems.lineOf(path) };
  return guards.map(({ from, origin = from }) =>
    toClosedRule({ ...place, from: typeof origin === 'string' && origin !== '' ? origin : '/*' }),
  );
}

function toTables(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return (Array.isArray(value) ? value : [value]).filter(isTable);
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
  /** The rule may protect its path. */
  readonly #isGuard: boolean;
  /** The end of the message about a mistake. */
  readonly #effect: string;
  #isRight = true;

  constructor(table: unknown, path: TomlPath, problems: TomlProblems) {
    this.#table = isTable(table) ? table : {};
    this.#path = path;
    this.#problems = problems;
    this.#isGuard = mayGuard(this.#table);
    this.#effect = this.#isGuard ? CLOSED_NOTE : 'the redirect is not used';
  }

  /**
   * Undefined if any part is wrong: a rule without that part could redirect requests that it was
   * not written for. A wrong rule that may protect its path closes it; if that is not known, every path.
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
    if (this.#isRight) return rule;
    return this.#isGuard ? toClosedRule({ ...rule, from: from === '' ? '/*' : from }) : undefined;
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
      this.#problems.add([...this.#path, ...path, name], `${message}; ${this.#effect}`, 'error');
      this.#isRight = false;
    }
  }

  /** The first of the keys that is set, else the preferred name. */
  #find(keys: readonly string[]): [key: string, value: unknown] {
    const key = keys.find((each) => each in this.#table) ?? keys[0] ?? '';
    return [key, this.#table[key]];
  }

  #isMisspelt(key: string): boolean {
    return Object.keys(this.#table).some((each) => !KEYS.includes(each) && nearestWord(each, KEYS) === key);
  }

  #refuse<T>(key: string, what: string, value: unknown, instead: T): T {
    this.#isRight = false;
    // A key that is only misspelt is reported as that.
    if (value === undefined && this.#isMisspelt(key)) return instead;
    const got = JSON.stringify(value) ?? 'nothing';
    this.#problems.add([...this.#path, key], `${what}, got ${got}; ${this.#effect}`, 'error');
    return instead;
  }
}

/** Whether a table has a role, a limit, or a status that hides what is there, also in a misspelt key. */
function mayGuard(table: Readonly<Record<string, unknown>>): boolean {
  const { conditions, force, status } = table;
  const unknown = Object.keys(table).filter((key) => !KEYS.includes(key));
  const hides = Boolean(force) && Number.parseInt(String(status), 10) >= 400;
  const hasLimit = 'rate_limit' in table || unknown.some((key) => nearestWord(key, ['rate_limit']));
  return hides || hasLimit || hasRole(conditions) || unknown.some((key) => meansRole(key) || hasRole(table[key]));
}

/** At any depth. */
function hasRole(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, each]) => meansRole(key) || hasRole(each));
}

function isText(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
}
