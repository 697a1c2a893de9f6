import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';

/** `[[...name]]`, the form of other platforms, is the same as `[[name]]`. */
const CATCH_ALL = /^\[\[(?:\.{3})?([^[\]]+)\]\]$/;
const PARAM = /^\[([^[\]]+)\]$/;

/**
 * The pattern of a file's path: `['api', 'users', '[id]']` → `/api/users/:id`. Names keep dots and
 * Unicode; the platform removes such characters from the URL, which users do not expect. Returns a
 * string with the reason if the file cannot have a route.
 */
export function toPattern(segments: readonly string[]): Pattern | string {
  const names = segments.at(-1) === 'index' ? segments.slice(0, -1) : segments;
  const parsed = names.map(toSegment);
  if (parsed.some((segment, index) => segment.kind === 'catch-all' && index < parsed.length - 1)) {
    return 'a catch-all [[…]] must be the last part of the path; parts after it can never match';
  }
  if (parsed.some((segment) => segment.kind === 'param' && segment.name.startsWith('...'))) {
    return 'EdgeOne writes a catch-all as [[name]], not as [...name]';
  }
  return { text: toText(parsed), segments: parsed };
}

/**
 * Whether a name is `[[name]]` or `[[...name]]`. Only files with such a name may contain an app.
 */
export function isCatchAll(segment: string | undefined): boolean {
  return segment !== undefined && CATCH_ALL.test(segment);
}

/**
 * Unlike a handler's catch-all, an app also answers its bare folder, and its pattern matches empty
 * segments.
 */
export function toAppPatterns({ text, segments }: Pattern): readonly Pattern[] {
  const bare = segments.slice(0, -1);
  return [
    { text, segments: segments.map(withEmpty) },
    { text: toText(bare), segments: bare },
  ];
}

function withEmpty(segment: PatternSegment): PatternSegment {
  return segment.kind === 'catch-all' ? { ...segment, orNone: true } : segment;
}

/** The text of a pattern, e.g. `/api/:id/*rest`; `/` for an empty list. */
export function toText(segments: readonly PatternSegment[]): string {
  return `/${segments.map(segmentText).join('/')}`;
}

function toSegment(name: string): PatternSegment {
  const [, rest] = CATCH_ALL.exec(name) ?? [];
  if (rest !== undefined) return { kind: 'catch-all', name: rest };
  const [, param] = PARAM.exec(name) ?? [];
  return param === undefined ? { kind: 'literal', text: name } : { kind: 'param', name: param };
}

function segmentText(segment: PatternSegment): string {
  if (segment.kind === 'literal') return segment.text;
  return segment.kind === 'param' ? `:${segment.name}` : `*${segment.name}`;
}
