import { pathToRegexp } from 'path-to-regexp';
import type { KeptValues } from '../../../contract/kept-values.ts';
import { toGuardedPaths, toPagePaths } from '../../../http/guarded-paths.ts';

/** Decides for which requests the middleware is called. */
export interface MiddlewareMatcher {
  /** Its patterns, for people. */
  readonly text: string;
  /** `kept`: as for `toGuardedPaths`. */
  matches(target: string, kept?: KeptValues): boolean;
  /** The reading of the path that a pattern matches; undefined if it matches the path as received, or only another path of its page. */
  readingOf(target: string, kept?: KeptValues): string | undefined;
}

export interface MatcherReading {
  readonly matcher: MiddlewareMatcher;
  /** Mistakes in the `matcher`, each as the rest of a sentence. */
  readonly mistakes: readonly string[];
}

/**
 * Reads `config.matcher`: a pattern, an object with a pattern as `source`, or a list of these.
 * Undefined matches all requests. A pattern is in the grammar of path-to-regexp 6, or a regular
 * expression. An invalid one matches all requests: a middleware that protects the site must not be
 * skipped.
 */
export function toMatcher(given: unknown): MatcherReading {
  if (given === undefined) return { matcher: MATCH_ALL, mistakes: [] };
  const mistakes: string[] = [];
  const expressions = [given].flat().map((each: unknown) => {
    const expression = toExpression(sourceOf(each));
    if (!expression)
      mistakes.push(
        `${JSON.stringify(each) ?? String(each)} is not a valid pattern; the middleware runs for every path`,
      );
    return expression ?? ALL;
  });
  const text = [given].flat().map(sourceOf).join(', ');
  return { matcher: expressions.includes(ALL) ? MATCH_ALL : new Expressions(expressions, text), mistakes };
}

const MATCH_ALL: MiddlewareMatcher = { text: 'every path', matches: () => true, readingOf: () => undefined };

const ALL = /(?:)/;

function sourceOf(given: unknown): unknown {
  return typeof given === 'object' && given !== null && 'source' in given ? given.source : given;
}

function toExpression(source: unknown): RegExp | undefined {
  if (typeof source !== 'string' || source === '') return undefined;
  if (source === '*' || source === '/*') return ALL;
  if (source.startsWith('^') || source.endsWith('$')) return compile(source);
  try {
    return pathToRegexp(source);
  } catch {
    // The platform's page also documents `/api/.*` and `/docs/*`, which path-to-regexp rejects.
    return compile(`^${source.replace(/\/\*$/, '/.*')}$`);
  }
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'i');
  } catch {
    // The caller reports it.
    return undefined;
  }
}

/** Such an expression matches other paths of a page that it excludes: `(?!login$)` matches `/login.html`. */
const EXCLUDES = /\(\?<?!/;

const FOLDER_END = /.(?:\/|\/index|\/index\.html)$/;

class Expressions implements MiddlewareMatcher {
  readonly text: string;
  readonly #expressions: readonly RegExp[];

  constructor(expressions: readonly RegExp[], text: string) {
    this.#expressions = expressions;
    this.text = text;
  }

  readingOf(target: string, kept?: KeptValues): string | undefined {
    const [received = '', ...others] = toGuardedPaths(target, kept);
    const isMatched = (path: string): boolean => this.#expressions.some((expression) => expression.test(path));
    return others.length === 0 || isMatched(received) ? undefined : others.find(isMatched);
  }

  matches(target: string, kept?: KeptValues): boolean {
    const paths = toGuardedPaths(target, kept);
    // It may protect a page, which has several paths. By those of its folder `/docs/*` would match `/docs`.
    const pages = paths.flatMap((path) => toPagePaths(path).filter((each) => each === path || !FOLDER_END.test(each)));
    return this.#expressions.some((expression) =>
      (EXCLUDES.test(expression.source) ? paths : pages).some((path) => expression.test(path)),
    );
  }
}
