/**
 * The time of several stars grows with a power of the length of the path, which the client chooses.
 * The path of a page is shorter.
 */
const LONGEST_PATH = 1024;

/**
 * The path of a header rule: `:name` is one segment; a star is any text with any slashes, and a star
 * alone in a segment also nothing. Without case; a slash at the end is free. As on the platform
 * `/a/*` matches `/ab`, too.
 */
export class PathGlob {
  readonly #expression: RegExp;
  readonly #isLinear: boolean;

  constructor(text: string) {
    const parts = text.split('/').map((part) => part.trimEnd());
    const expression = parts.filter((part) => part !== '').map(toExpression);
    this.#expression = new RegExp(`^/${expression.join('/')}/?$`, 'ius');
    this.#isLinear = text.split('*').length <= 2;
  }

  /** `path`: decoded. `otherwise`: the result for a path that takes too long to compare. */
  matches(path: string, otherwise: boolean): boolean {
    return this.#isLinear || path.length <= LONGEST_PATH ? this.#expression.test(path) : otherwise;
  }
}

function toExpression(part: string): string {
  if (part.startsWith(':')) return '[^/]+';
  if (part === '*') return '?.*';
  return part.split('*').map(escapeSigns).join('.*');
}

function escapeSigns(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
