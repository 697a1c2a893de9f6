const SLASH = 0x2f;

/**
 * Characters that two parsers may read differently: a backslash in either form, NUL, and bytes that are not printable ASCII.
 * A path with one of them matches no route: a function that guards `/admin` must not match a spelling that the hop reads in another way.
 */
const AMBIGUOUS = /%5c|%00|[^!-[\]-~]/i;

/** Replaces an encoded slash in a decoded path. Paths that contain a NUL are refused, and no file has one in its name. */
const INNER_SLASH = '\0';
const ENCODED_SLASH = /%2f/gi;

/** An encoded slash ends a dot segment too: a function that uses a decoded parameter as a path must not leave its folder. */
const DOT_SEGMENT = /[/\0]\.\.?(?:[/\0]|$)/;

/** The path of a request as patterns see it: decoded once, without query and trailing slash. */
export class MatchablePath {
  /** Decoded; an encoded slash is a NUL here, so that the text splits into the right segments and equals no literal path. */
  readonly text: string;
  /** As the client sent it, still encoded; without its trailing slash. */
  readonly raw: string;
  readonly #target: string;
  #anyCase = false;
  #segments: readonly string[] | undefined;

  constructor(text: string, raw: string, target: string) {
    this.text = text;
    this.raw = raw;
    this.#target = target;
  }

  /** The path had a trailing slash. */
  get slashed(): boolean {
    return this.#target.charCodeAt(this.raw.length) === SLASH;
  }

  /** A segment has an encoded slash. */
  get hasInnerSlash(): boolean {
    return this.text.includes(INNER_SLASH);
  }

  /** Case is ignored: `text` and `segments` are in lower case, `raw` is unchanged. */
  get anyCase(): boolean {
    return this.#anyCase;
  }

  /** The path for routes that ignore case. Undefined if it has no capital letters. */
  inLowerCase(): MatchablePath | undefined {
    const text = this.text.toLowerCase();
    if (text === this.text) return undefined;
    const path = new MatchablePath(text, this.raw, this.#target);
    path.#anyCase = true;
    return path;
  }

  /** Decoded, including encoded slashes; empty for `/`. Created on first use: literal routes are found by `text`. */
  get segments(): readonly string[] {
    this.#segments ??= this.hasInnerSlash
      ? toSegments(this.text).map((segment) => segment.replaceAll(INNER_SLASH, '/'))
      : toSegments(this.text);
    return this.#segments;
  }

  /** As the client sent them, still encoded. */
  get rawSegments(): readonly string[] {
    return this.raw === this.text ? this.segments : toSegments(this.raw);
  }
}

/**
 * Converts a raw request target for matching. Undefined if it must match no route and is forwarded unchanged: an ambiguous path,
 * dot segments (also encoded), malformed escapes, a fragment, or a target that is not in origin-form. Never throws.
 */
export function toMatchable(target: string): MatchablePath | undefined {
  if (target.charCodeAt(0) !== SLASH || target.includes('#')) return undefined;
  const raw = withoutQueryAndSlash(target);
  if (raw === undefined || AMBIGUOUS.test(raw)) return undefined;
  const text = raw.includes('%') ? decode(raw) : raw;
  if (text === undefined || (text.includes('.') && DOT_SEGMENT.test(text))) return undefined;
  return new MatchablePath(text, raw, target);
}

/** Undefined for `//`: without its last slash it would match `/`, a different path. */
function withoutQueryAndSlash(target: string): string | undefined {
  const query = target.indexOf('?');
  const end = query === -1 ? target.length : query;
  if (end === 1 || target.charCodeAt(end - 1) !== SLASH) return target.slice(0, end);
  return end === 2 ? undefined : target.slice(0, end - 1);
}

/** Decodes the whole path at once; since encoded slashes are marked, the result equals decoding each segment. */
function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw.replaceAll(ENCODED_SLASH, INNER_SLASH));
  } catch {
    // URIError: not hexadecimal, incomplete, or invalid UTF-8. The request is forwarded; the hop decides.
    return undefined;
  }
}

function toSegments(path: string): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}
