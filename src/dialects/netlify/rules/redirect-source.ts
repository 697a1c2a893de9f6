import { type MatchablePath, toMatchable } from '../../../contract/path.ts';
import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';
import { SourceMatcher, type SourceSegment } from './source-matcher.ts';

export interface RedirectSource {
  readonly pattern: Pattern;
  /** Scheme and host (lower case, without port) that the request must have; undefined: any. */
  readonly origin?: { readonly scheme: string; readonly host: string };
  /** The placeholders that the path gives values to. */
  readonly names: readonly string[];
}

/** The name of the placeholder for the first star of a rule. */
const SPLAT = 'splat';

/** A star in the middle is tried at each segment of a path, and so is each further star for each of these. */
const MOST_STARS = 3;

/**
 * Converts the `from` of a rule. `:name` matches one segment; a star alone in a segment matches any
 * number of segments, also none; a star at the end of the last segment matches any rest. Any other
 * star is literal. Case is significant, a slash at the end is not. Params are raw. Returns a string
 * with the reason if the rule cannot be used.
 */
export function toRedirectSource(from: string): RedirectSource | string {
  const [, scheme, host = '', path = from] = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(from) ?? [];
  if (scheme === undefined) return toPathSource(path.startsWith('/') ? path : `/${path}`);
  const source = toPathSource(path === '' ? '/' : path);
  const origin = { scheme: scheme.toLowerCase(), host: host.toLowerCase().replace(/:\d*$/, '') };
  if (origin.host === '') return 'must name a host after http:// or https://';
  if (typeof source === 'string') return source;
  return { ...source, pattern: { ...source.pattern, host: origin.host }, origin };
}

function toPathSource(from: string): RedirectSource | string {
  if (/^\/\.netlify(?:\/|$)/.test(from)) return 'is reserved: paths below "/.netlify" have no redirects';
  const isOpen = from.endsWith('*');
  // A star inside the last segment is a prefix; without it the path may be the site's root.
  const path = (isOpen ? from.slice(0, -1) : from) || '/';
  // A path never contains "?" or "#". A "%" without two hex digits, as in "100%", makes
  // `toMatchable` return undefined.
  const found = path.includes('?') ? undefined : toMatchable(path.replaceAll(/[^!-~]+/gu, encodeURIComponent));
  if (!found || found.hasInnerSlash) return 'never matches: no request with such a path is routed here';
  const segments = toSegments(found, isOpen && !path.endsWith('/'));
  if (isOpen && path.endsWith('/')) segments.push({ kind: 'star' });
  const stars = segments.filter(({ kind }) => kind === 'star' || kind === 'prefix').length;
  if (stars > MOST_STARS) return `must have at most ${MOST_STARS} stars`;
  const names = segments.flatMap((segment) => (segment.kind === 'param' ? [segment.name] : []));
  const pattern = { text: from, segments: toPattern(segments), match: new SourceMatcher(segments).match };
  return { pattern, names: stars > 0 ? [...names, SPLAT] : names };
}

function toSegments({ segments }: MatchablePath, hasPrefix: boolean): SourceSegment[] {
  return segments.map((text, index) => {
    if (hasPrefix && index === segments.length - 1) return { kind: 'prefix', text };
    if (text === '*') return { kind: 'star' };
    return text.length > 1 && text.startsWith(':') ? { kind: 'param', name: text.slice(1) } : { kind: 'literal', text };
  });
}

/** The segments by which the router finds the rule: they match too many paths, never too few. */
function toPattern(segments: readonly SourceSegment[]): readonly PatternSegment[] {
  const pattern: PatternSegment[] = [];
  const last = segments.at(-1);
  for (const segment of segments) {
    if (segment.kind === 'prefix') return [...pattern, { ...REST, prefix: segment.text }];
    // More segments follow a star in the middle.
    if (segment.kind === 'star') return [...pattern, last?.kind === 'literal' ? { ...REST, last: last.text } : REST];
    pattern.push(segment);
  }
  return pattern;
}

const REST = { kind: 'catch-all', name: SPLAT, orNone: true } as const;
