import { pathToRegexp } from 'path-to-regexp';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

/** Which requests a middleware is called for. */
export interface MiddlewareMatcher {
  matches(target: string): boolean;
}

export interface MatcherReading {
  readonly matcher: MiddlewareMatcher;
  /** What is wrong with the `matcher`, as the rest of a sentence about it. */
  readonly complaints: readonly string[];
}

/**
 * Reads `config.matcher`: a pattern, an object with it as `source`, or a list of either; none is for all requests. A pattern is one of path-to-regexp 6, or an
 * expression. What cannot be read counts as a pattern for all requests: a guard must rather be asked too often than not at all.
 */
export function toMatcher(given: unknown): MatcherReading {
  if (given === undefined) return { matcher: EVERYTHING, complaints: [] };
  const complaints: string[] = [];
  const expressions = [given].flat().map((each: unknown) => {
    const expression = toExpression(sourceOf(each));
    if (!expression) complaints.push(`${JSON.stringify(each) ?? String(each)} is no pattern; every path matches it`);
    return expression ?? ALL;
  });
  return { matcher: expressions.includes(ALL) ? EVERYTHING : new Expressions(expressions), complaints };
}

const EVERYTHING: MiddlewareMatcher = { matches: () => true };

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
    // Its grammar has neither `/api/.*` nor `/docs/*`, and the platform's page has.
    return compile(`^${source.replace(/\/\*$/, '/.*')}$`);
  }
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'i');
  } catch {
    // The caller tells of it.
    return undefined;
  }
}

class Expressions implements MiddlewareMatcher {
  readonly #expressions: readonly RegExp[];

  constructor(expressions: readonly RegExp[]) {
    this.#expressions = expressions;
  }

  matches(target: string): boolean {
    const paths = toGuardedPaths(target);
    return this.#expressions.some((expression) => paths.some((path) => expression.test(path)));
  }
}
