import { type MatchablePath, toMatchable } from '../../../contract/path.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import { createParams, type Params } from '../../../contract/target.ts';
import { toExpression, toLongest, toSegments } from './path-expression.ts';
import { BadPath, type PathPart, toPathParts } from './path-parts.ts';

/**
 * Converts a `path` of a function's `config` to its pattern. The path is a literal text, or has the
 * syntax of `URLPattern` for a pathname. A slash at the end has no meaning in the path and in a
 * request, except that `/sale/*` matches `/sale/` and not `/sale`. Params are raw, never decoded.
 * Groups without a name are called "0", "1" and so on; omitted groups have no param. Returns a
 * string with the reason if the path is invalid.
 */
export function toPattern(path: string): Pattern | string {
  const mistake = checkPath(path);
  if (mistake !== undefined) return mistake;
  try {
    return isLiteral(path) ? toLiteral(path) : toDynamic(path);
  } catch (error) {
    if (error instanceof BadPath) return `${JSON.stringify(path)} ${error.message}`;
    throw error;
  }
}

function checkPath(path: string): string | undefined {
  const quoted = JSON.stringify(path);
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(path)) return `${quoted} is a whole URL; only its path can be matched`;
  if (!/^\{?\//.test(path)) return `${quoted} must start with "/"`;
  // In a pattern a "?" makes the part before it optional.
  if (isLiteral(path) ? path.includes('?') : /\?[\w.[\]-]+=/.test(path))
    return `${quoted} has a query, which is no part of a path`;
  if (path.replaceAll(/\\.|\((?:\\.|[^\\)])*\)/g, '').includes('#'))
    return `${quoted} has a "#", which is no part of a path`;
  return undefined;
}

/** Whether a path is a literal, by the rule of the platform. */
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

/** An expression for whole paths, and the names of its groups. */
export interface PathExpression {
  readonly expression: RegExp;
  readonly names: readonly string[];
}

/** The expression for a `path` of an edge function, which is always a pattern; a slash at the end of a request's path has no meaning, and a dot also matches a line break, which a decoded path may have. Returns the reason if it is invalid. */
export function toPathExpression(path: string): PathExpression | string {
  const mistake = checkPath(path);
  if (mistake !== undefined) return mistake;
  try {
    const parts = withoutLastSlash(toPathParts(path).map(toUrlText));
    return { expression: new RegExp(toExpression(parts).replace(/\$$/, '\\/?$'), 'su'), names: namesOf(parts) };
  } catch (error) {
    if (error instanceof BadPath) return `${JSON.stringify(path)} ${error.message}`;
    throw error;
  }
}

function namesOf(parts: readonly PathPart[]): readonly string[] {
  return parts.flatMap((part) => (part.kind === 'group' ? [part.name] : []));
}

function withoutLastSlash(parts: readonly PathPart[]): readonly PathPart[] {
  const last = parts.at(-1);
  if (parts.length < 2 || last?.kind !== 'text' || last.modifier !== '' || !last.text.endsWith('/')) return parts;
  const text = last.text.slice(0, -1);
  return [...parts.slice(0, -1), ...(text === '' ? [] : [{ ...last, text }])];
}

/** The part with its texts in the normal form of a URL. */
function toUrlText(part: PathPart): PathPart {
  if (part.kind === 'text') return { ...part, text: normalize(part.text) };
  return { ...part, prefix: normalize(part.prefix), suffix: normalize(part.suffix) };
}

/**
 * Percent-encoded characters, and characters that a URL must percent-encode (URL Standard, "path
 * percent-encode set").
 */
const ESCAPABLE = /%[\da-f]{2}|[^!-~]|["#<>?^`{}]/giu;

/**
 * Normalizes a text: percent-encodes only what must be, with upper-case digits (RFC 3986, 6.2.2).
 */
function normalize(text: string): string {
  return text.replaceAll(ESCAPABLE, (found) => {
    if (found.length !== 3 || !found.startsWith('%')) return encodeURIComponent(found);
    const character = String.fromCharCode(Number.parseInt(found.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : found.toUpperCase();
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Invalid encodings are never routed, so the value does not matter.
    return text;
  }
}

const NO_PARAMS: Params = Object.freeze(createParams<string>());

/** Compiled once, called for each path that the segments match. */
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
    this.#names = namesOf(parts);
    ({ longest: this.#longest, isOfSegment: this.#isOfSegment } = toLongest(parts));
  }

  readonly match = (path: MatchablePath): Params | undefined => {
    const { raw, slashed } = path;
    const expression = path.anyCase ? this.#anyCase : this.#expression;
    const found = this.#matchText(raw, slashed, expression);
    if (found) return found;
    // Another percent-encoding of the same path must match too.
    const normal = normalize(raw);
    return normal === raw ? undefined : this.#matchText(normal, slashed, expression);
  };

  /** Tries the text with its final slash only if it does not match without. */
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
    const params = createParams<string>();
    for (const [index, name] of this.#names.entries()) {
      const value = found[index + 1];
      if (value !== undefined) params[name] = value;
    }
    return params;
  }
}
