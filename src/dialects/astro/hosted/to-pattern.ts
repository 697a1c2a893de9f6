import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';
import type { SegmentPart } from './manifest.ts';

/** The pattern of a route, whose segments are Astro's, below the base; `match` has the last word, as a segment of theirs may say more than one of ours. */
export function toPattern(
  base: string,
  segments: readonly (readonly SegmentPart[])[],
  match?: NonNullable<Pattern['match']>,
): Pattern {
  const texts = base.split('/').filter((text) => text !== '');
  const inBase = texts.map((text): PatternSegment => ({ kind: 'literal', text }));
  const own: PatternSegment[] = [];
  for (const parts of segments) {
    const segment = toSegment(parts);
    own.push(segment);
    // Whatever follows it, only `match` can tell.
    if (segment.kind === 'catch-all') break;
  }
  const all = [...inBase, ...own];
  return { text: toText(all), segments: all, ...(match && { match }) };
}

function toSegment(parts: readonly SegmentPart[]): PatternSegment {
  const spread = parts.find((part) => part.spread);
  if (spread) return { kind: 'catch-all', name: spread.content.replace(/^\.\.\./, ''), orNone: true };
  if (parts.every((part) => !part.dynamic)) {
    return { kind: 'literal', text: parts.map(({ content }) => content).join('') };
  }
  // `[id].json` is one of these, too.
  return { kind: 'param', name: parts.find((part) => part.dynamic)?.content ?? '' };
}

function toText(segments: readonly PatternSegment[]): string {
  const texts = segments.map((segment) => {
    if (segment.kind === 'literal') return segment.text;
    return segment.kind === 'param' ? `:${segment.name}` : `*${segment.name}`;
  });
  return `/${texts.join('/')}`;
}
