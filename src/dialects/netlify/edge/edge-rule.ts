import { METHODS as METHOD_NAMES } from 'node:http';
import { type PathExpression, toPathExpression } from '../find/to-pattern.ts';

/** One declaration of an edge function: which requests it gets. */
export interface EdgeRule {
  /** As declared, for lists of routes. */
  readonly text: string;
  readonly paths: readonly DeclaredPath[];
  readonly excluded: readonly DeclaredPath[];
  /** In upper case; undefined: all. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly headers: readonly HeaderCondition[];
  /** 'manual': it stands after the cache. */
  readonly cache: 'off' | 'manual';
  /** What happens when it throws: a 500, as if it returned nothing, or the answer of a path. */
  readonly onError: 'fail' | 'bypass' | `/${string}`;
  /** Another part of the declaration is wrong: its requests are known, and answer 500. */
  readonly isWrong: boolean;
}

export interface DeclaredPath extends PathExpression {
  /** E.g. `excludedPath`. */
  readonly key: string;
  /** As declared. */
  readonly text: string;
}

export interface HeaderCondition {
  /** In lower case. */
  readonly name: string;
  /** There, not there, or a value that matches. */
  readonly wants: boolean | RegExp;
}

/** The keys of a declaration, by which it is checked. */
export type EdgeSettings = Readonly<Record<string, unknown>>;

/** Of `config` and of `[[edge_functions]]`, and those that only describe a function. */
export const EDGE_KEYS: readonly string[] = [
  ...['path', 'excludedPath', 'pattern', 'excludedPattern', 'method', 'header', 'cache', 'onError'],
  ...['name', 'generator', 'rateLimit', 'function'],
];

/** Whether the settings say which paths a function gets. A value that turned out to be undefined is a mistake, not the absence of paths. */
export function hasPaths(settings: EdgeSettings): boolean {
  return ['path', 'pattern'].some((key) => {
    const { [key]: value } = settings;
    return key in settings && !(Array.isArray(value) && value.length === 0);
  });
}

const METHODS: ReadonlySet<string> = new Set(METHOD_NAMES);
/** A declaration that has one of these keys has a value for it. */
const NEEDED: ReadonlySet<string> = new Set(['path', 'pattern']);

/** Gets a mistake with its effect, and the key that it is about. */
export type ReportMistake = (message: string, key: string) => void;

/**
 * Checks a declaration that has a `path` or a `pattern`. `report` gets each mistake. Undefined if one of them makes the requests of the function unknown: it may
 * guard the site, so it must then close it. Any other mistake closes the paths of the function.
 */
export function toEdgeRule(settings: EdgeSettings, report: ReportMistake): EdgeRule | undefined {
  const reader = new Reader(settings, report);
  const rule = reader.read();
  return reader.isRight ? rule : undefined;
}

/** For lists of routes, which have its paths beside it. */
export function describeRule({ methods, headers, excluded }: EdgeRule): string {
  return [
    'edge function',
    ...(methods ? [`only ${[...methods].join(', ')}`] : []),
    ...(headers.length > 0 ? [`by ${headers.map(({ name }) => name).join(', ')}`] : []),
    ...(excluded.length > 0 ? [`not ${excluded.map(({ text }) => text).join(' ')}`] : []),
  ].join(', ');
}

class Reader {
  isRight = true;
  #isWrong = false;
  readonly #settings: EdgeSettings;
  readonly #report: ReportMistake;

  constructor(settings: EdgeSettings, report: ReportMistake) {
    this.#settings = settings;
    this.#report = report;
  }

  read(): EdgeRule {
    const paths = [...this.#expressions('path', toPathExpression), ...this.#expressions('pattern', toWholePattern)];
    return {
      text: [...this.#texts('path'), ...this.#texts('pattern')].join(' '),
      paths,
      excluded: [
        ...this.#expressions('excludedPath', toPathExpression),
        ...this.#expressions('excludedPattern', toWholePattern),
      ],
      methods: this.#methods(),
      headers: this.#headers(),
      cache: this.#oneOf('cache', ['off', 'manual']) ?? 'off',
      onError: this.#onError(),
      isWrong: this.#isWrong,
    };
  }

  #expressions(key: string, convert: (text: string) => PathExpression | string): readonly DeclaredPath[] {
    return this.#texts(key).flatMap((text) => {
      const converted = convert(text);
      if (typeof converted !== 'string') return [{ ...converted, key, text }];
      this.#fail(`${key} ${converted}`, key);
      return [];
    });
  }

  #texts(key: string): readonly string[] {
    const { [key]: value } = this.#settings;
    if (value === undefined && !(key in this.#settings && NEEDED.has(key))) return [];
    const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (texts.every((text) => typeof text === 'string')) return texts;
    this.#fail(`${key} must be a text or a list of texts, got ${JSON.stringify(value) ?? 'undefined'}`, key);
    return [];
  }

  #methods(): EdgeRule['methods'] {
    const methods = this.#texts('method').map((method) => method.toUpperCase());
    const unknown = methods.find((method) => !METHODS.has(method));
    if (unknown !== undefined) this.#fail(`method ${JSON.stringify(unknown)} is no method of HTTP`, 'method');
    return methods.length === 0 ? undefined : new Set(methods);
  }

  #headers(): readonly HeaderCondition[] {
    const { header } = this.#settings;
    if (header === undefined) return [];
    if (typeof header !== 'object' || header === null || Array.isArray(header)) {
      this.#fail(`header must be an object, got ${JSON.stringify(header)}`, 'header');
      return [];
    }
    return Object.entries(header).flatMap(([name, wants]: [string, unknown]): readonly HeaderCondition[] => {
      const lowerName = name.toLowerCase();
      if (typeof wants === 'boolean') return [{ name: lowerName, wants }];
      const expression = typeof wants === 'string' ? toRegExp(wants) : undefined;
      if (expression) return [{ name: lowerName, wants: expression }];
      this.#fail(`header ${name} must be true, false or a regular expression, got ${JSON.stringify(wants)}`, 'header');
      return [];
    });
  }

  #onError(): EdgeRule['onError'] {
    const { onError = 'fail' } = this.#settings;
    if (onError === 'fail' || onError === 'bypass') return onError;
    if (typeof onError === 'string' && onError.startsWith('/')) return onError as `/${string}`;
    this.#close(`onError must be "fail", "bypass" or a path, got ${JSON.stringify(onError)}`, 'onError');
    return 'fail';
  }

  #oneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    const { [key]: value } = this.#settings;
    const found = values.find((each) => each === value);
    if (found === undefined && value !== undefined) {
      this.#close(
        `${key} must be ${values.map((each) => `"${each}"`).join(' or ')}, got ${JSON.stringify(value)}`,
        key,
      );
    }
    return found;
  }

  #fail(mistake: string, key: string): void {
    this.isRight = false;
    this.#report(`${mistake}; every request is answered 500`, key);
  }

  #close(mistake: string, key: string): void {
    this.#isWrong = true;
    this.#report(`${mistake}; its paths answer 500`, key);
  }
}

/** The platform adds `^` and `$`. Returns the reason if it is no regular expression. */
function toWholePattern(text: string): PathExpression | string {
  if (text === '') return 'must not be empty';
  const expression = toRegExp(`${text.startsWith('^') ? '' : '^'}${text}${text.endsWith('$') ? '' : '$'}`);
  return expression ? { expression, names: [] } : `${JSON.stringify(text)} is no regular expression`;
}

function toRegExp(text: string): RegExp | undefined {
  try {
    // A dot also matches a line break, which a decoded path may have.
    return new RegExp(text, 's');
  } catch {
    // A SyntaxError; the caller says what is wrong.
    return undefined;
  }
}
