const SLASH = 0x2f;

/**
 * What two parsers may read differently: a backslash in either form, NUL, and raw bytes that are no printable ASCII.
 * A function that guards `/admin` must be neither reached nor missed by a spelling that the hop understands in another way.
 */
const AMBIGUOUS = /%5c|%00|[^!-[\]-~]/i;

/** Stands in a decoded path for a slash that is part of a segment. No path holds a NUL otherwise, and no file has one in its name. */
const INNER_SLASH = '\0';
const ENCODED_SLASH = /%2f/gi;

/** Also one that ends at an encoded slash: a function that decodes a parameter into a path must not be led upwards. */
const DOT_SEGMENT = /[/\0]\.\.?(?:[/\0]|$)/;

/** The path of a request in the form in which patterns are compared with it: decoded once, without query and trailing slash. */
export class MatchablePath {
  /** Decoded, but for slashes inside a segment, which stand as NUL: so this is as good as the list of segments, and equals no literal path. */
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

  /** A trailing slash was taken off. */
  get slashed(): boolean {
    return this.#target.charCodeAt(this.raw.length) === SLASH;
  }

  /** Some segment holds an encoded slash. */
  get hasInnerSlash(): boolean {
    return this.text.includes(INNER_SLASH);
  }

  /** Letters count the same in both cases: `text` and `segments` are in lower case, `raw` is as it came. */
  get anyCase(): boolean {
    return this.#anyCase;
  }

  /** For routes that take any case. Undefined when the path has no capitals. */
  inLowerCase(): MatchablePath | undefined {
    const text = this.text.toLowerCase();
    if (text === this.text) return undefined;
    const path = new MatchablePath(text, this.raw, this.#target);
    path.#anyCase = true;
    return path;
  }

  /** Decoded, encoded slashes too; none for `/`. Made on first use: literal routes are found by the text alone. */
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
 * From the raw request target to what may be matched here. Undefined when nothing may: the hop then gets the target as it came.
 * That is so for every ambiguous path, dot segments (encoded ones, too), malformed escapes, fragments and whatever is not in origin-form. Never throws.
 */
export function toMatchable(target: string): MatchablePath | undefined {
  if (target.charCodeAt(0) !== SLASH || target.includes('#')) return undefined;
  const raw = withoutQueryAndSlash(target);
  if (raw === undefined || AMBIGUOUS.test(raw)) return undefined;
  const text = raw.includes('%') ? decode(raw) : raw;
  if (text === undefined || (text.includes('.') && DOT_SEGMENT.test(text))) return undefined;
  return new MatchablePath(text, raw, target);
}

/** Undefined for `//`: without its last slash it would look like `/`, which its author did not ask for. */
function withoutQueryAndSlash(target: string): string | undefined {
  const query = target.indexOf('?');
  const end = query === -1 ? target.length : query;
  if (end === 1 || target.charCodeAt(end - 1) !== SLASH) return target.slice(0, end);
  return end === 2 ? undefined : target.slice(0, end - 1);
}

/** Whole at once: with encoded slashes marked it is the same as segment by segment. */
function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw.replaceAll(ENCODED_SLASH, INNER_SLASH));
  } catch {
    // URIError: not hexadecimal, cut short, or no valid UTF-8. The hop may know what its client means.
    return undefined;
  }
}

function toSegments(path: string): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}
