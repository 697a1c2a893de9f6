import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';

/** Files that were written for other platforms put dots in front of the name, which are no part of it. */
const CATCH_ALL = /^\[\[(?:\.{3})?([^[\]]+)\]\]$/;
const PARAM = /^\[([^[\]]+)\]$/;

/**
 * From a file's place to its route: `['api', 'users', '[id]']` → `/api/users/:id`. Names are kept as they are, with dots and Unicode
 * (the platform deletes such characters from the URL, which nobody expects). A text instead says why there can be no route.
 */
export function toPattern(segments: readonly string[]): Pattern | string {
  const names = segments.at(-1) === 'index' ? segments.slice(0, -1) : segments;
  const parsed = names.map(toSegment);
  if (parsed.some((segment, index) => segment.kind === 'catch-all' && index < parsed.length - 1)) {
    return 'a catch-all [[…]] must be the last part of the path; nothing behind it can match';
  }
  if (parsed.some((segment) => segment.kind === 'param' && segment.name.startsWith('...'))) {
    return 'EdgeOne writes a catch-all as [[name]], not as [...name]';
  }
  return { text: toText(parsed), segments: parsed };
}

/** The form `[[name]]` or `[[...name]]`, the only one in which a file may hold an app of a framework. */
export function isCatchAll(segment: string | undefined): boolean {
  return segment !== undefined && CATCH_ALL.test(segment);
}

/** `/api/:id/*rest` for a list of segments, `/` for none. */
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
