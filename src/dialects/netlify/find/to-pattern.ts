import { type MatchablePath, toMatchable } from '../../../contract/path.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Params } from '../../../contract/target.ts';
import { toExpression, toLongest, toSegments } from './path-expression.ts';
import { BadPath, type PathPart, toPathParts } from './path-parts.ts';

/**
 * From a `path` of a function's `config` to its pattern: a text as it is, or the syntax of `URLPattern` for a pathname. One slash at the end means nothing,
 * here and in a request, except that `/sale/*` takes `/sale/` and not `/sale`. Params are raw, never decoded; those of groups without a name are called
 * "0", "1" and so on, and groups that were left out have none. A string instead says what is wrong with it.
 */
export function toPattern(path: string): Pattern | string {
  const complaint = complaintOf(path);
  if (complaint !== undefined) return complaint;
  try {
    return isLiteral(path) ? toLiteral(path) : toDynamic(path);
  } catch (error) {
    if (error instanceof BadPath) return `${JSON.stringify(path)} ${error.message}`;
    throw error;
  }
}

function complaintOf(path: string): string | undefined {
  const told = JSON.stringify(path);
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) return `${told} is a whole URL; only its path can be matched`;
  if (!/^\{?\//.test(path)) return `${told} must start with "/"`;
  // Elsewhere a "?" says that what stands in front of it may be missing.
  if (isLiteral(path) ? path.includes('?') : /\?[\w.[\]-]+=/.test(path))
    return `${told} has a query, which is no part of a path`;
  if (path.replaceAll(/\\.|\((?:\\.|[^\\)])*\)/g, '').includes('#'))
    return `${told} has a "#", which is no part of a path`;
  return undefined;
}

/** As the platform tells them apart. */
function isLiteral(path: string): boolean {
  return !/[*{[(]|\/:/.test(path);
}

function toLiteral(path: string): Pattern | string {
  const found = toMatchable(path.replaceAll(/[^!-~]+/gu, encodeURIComponent));
  if (!found || found.hasInnerSlash)
    return `${JSON.stringify(path)} never matches: no request with such a path is routed here`;
  return { text: path, segments: found.segments.map((text) => ({ kind: 'literal', text })) };
}

function toDynamic(path: string): Pattern {
  const parts = withoutLastSlash(toPathParts(path).map(toUrlText));
  return { text: path, segments: toSegments(parts, decode), match: new PathMatcher(parts).match };
}

function withoutLastSlash(parts: readonly PathPart[]): readonly PathPart[] {
  const last = parts.at(-1);
  if (parts.length < 2 || last?.kind !== 'text' || last.modifier !== '' || !last.text.endsWith('/')) return parts;
  const text = last.text.slice(0, -1);
  return [...parts.slice(0, -1), ...(text === '' ? [] : [{ ...last, text }])];
}

/** Its texts as they stand in a URL. */
function toUrlText(part: PathPart): PathPart {
  if (part.kind === 'text') return { ...part, text: normalize(part.text) };
  return { ...part, prefix: normalize(part.prefix), suffix: normalize(part.suffix) };
}

/** What a URL never holds as it is (URL Standard, "path percent-encode set"), and escapes. */
const ODD = /%[\da-f]{2}|[^!-~]|["#<>?^`{}]/giu;

/** One spelling of many: only what has to be escaped is, with capitals (RFC 3986 6.2.2). */
function normalize(text: string): string {
  return text.replaceAll(ODD, (odd) => {
    if (odd.length !== 3 || !odd.startsWith('%')) return encodeURIComponent(odd);
    const character = String.fromCharCode(Number.parseInt(odd.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : odd.toUpperCase();
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No request with such a path is routed here, whatever stands in the segment.
    return text;
  }
}

const NO_PARAMS: Params = Object.freeze(Object.create(null));

/** Compiled once, asked for each path that the segments let through. */
class PathMatcher {
  readonly #expression: RegExp;
  readonly #anyCase: RegExp;
  readonly #names: readonly string[];
  readonly #longest: number;
  readonly #isOfSegment: boolean;

  constructor(parts: readonly PathPart[]) {
    const source = toExpression(parts);
    this.#expression = new RegExp(source, 'u');
    this.#anyCase = new RegExp(source, 'iu');
    this.#names = parts.flatMap((part) => (part.kind === 'group' ? [part.name] : []));
    ({ longest: this.#longest, isOfSegment: this.#isOfSegment } = toLongest(parts));
  }

  readonly match = (path: MatchablePath): Params | undefined => {
    const { raw, slashed } = path;
    const expression = path.anyCase ? this.#anyCase : this.#expression;
    const found = this.#matchText(raw, slashed, expression);
    if (found) return found;
    // The same path may be spelled in other ways, and is not another one for that.
    const normal = normalize(raw);
    return normal === raw ? undefined : this.#matchText(normal, slashed, expression);
  };

  /** With its slash only if it does not match without. */
  #matchText(text: string, slashed: boolean, expression: RegExp): Params | undefined {
    if (text.length > this.#longest && this.#isTooLong(text)) return undefined;
    const found = expression.exec(text) ?? (slashed ? expression.exec(`${text}/`) : null);
    return found ? this.#toParams(found) : undefined;
  }

  #isTooLong(text: string): boolean {
    return !this.#isOfSegment || text.split('/').some((segment) => segment.length > this.#longest);
  }

  #toParams(found: RegExpExecArray): Params {
    if (this.#names.length === 0) return NO_PARAMS;
    const params: Record<string, string> = Object.create(null);
    for (const [index, name] of this.#names.entries()) {
      const value = found[index + 1];
      if (value !== undefined) params[name] = value;
    }
    return params;
  }
}
