import { type MatchablePath, toMatchable } from '../../../contract/path.ts';
import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';
import type { Params } from '../../../contract/target.ts';

/** The name of the placeholder for the star of a rule. */
const SPLAT = 'splat';

/**
 * Converts the `from` of a rule to its pattern. `:name` matches one segment; a `*` at the end
 * matches any rest, also an empty one. Case is significant, a slash at the end is not. Params are
 * raw. Returns a string with the reason if the rule cannot be used.
 */
export function toRedirectSource(from: string): Pattern | string {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(from)) return 'must be a path: nexthop does not match redirects by host';
  if (!from.startsWith('/')) return 'must start with "/"';
  if (/^\/\.netlify(?:\/|$)/.test(from)) return 'is reserved: paths below "/.netlify" have no redirects';
  const isOpen = from.endsWith('/*');
  const path = isOpen ? from.slice(0, -2) || '/' : from;
  if (path.includes('*')) return 'may have a "*" only as its whole last segment';
  // A path never contains "?" or "#". A "%" without two hex digits, as in "100%", makes
  // `toMatchable` return undefined.
  const found = path.includes('?') ? undefined : toMatchable(path.replaceAll(/[^!-~]+/gu, encodeURIComponent));
  if (!found || found.hasInnerSlash) return 'never matches: no request with such a path is routed here';
  const segments = found.segments.map(toSegment);
  return {
    text: from,
    segments: isOpen ? [...segments, REST] : segments,
    match: new SourceMatcher(segments, isOpen).match,
  };
}

const REST: PatternSegment = { kind: 'catch-all', name: SPLAT, orNone: true };

function toSegment(text: string): PatternSegment {
  const [, name] = /^:([A-Za-z_]\w*)$/.exec(text) ?? [];
  return name === undefined ? { kind: 'literal', text } : { kind: 'param', name };
}

/** Called only for paths that the segments match, so it only extracts params. */
class SourceMatcher {
  readonly #segments: readonly PatternSegment[];
  readonly #isOpen: boolean;

  constructor(segments: readonly PatternSegment[], isOpen: boolean) {
    this.#segments = segments;
    this.#isOpen = isOpen;
  }

  readonly match = ({ rawSegments, hasInnerSlash }: MatchablePath): Params | undefined => {
    // A `Location` with an encoded slash could mean another path to a client that decodes it before
    // splitting.
    if (hasInnerSlash) return undefined;
    const params: Record<string, string> = Object.create(null);
    for (const [index, segment] of this.#segments.entries()) {
      if (segment.kind === 'param') params[segment.name] = rawSegments[index] ?? '';
    }
    if (this.#isOpen) params[SPLAT] = rawSegments.slice(this.#segments.length).join('/');
    return params;
  };
}
