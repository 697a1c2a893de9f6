import type { MatchablePath } from '../../../contract/path.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Params } from '../../../contract/target.ts';

/** Matches a path: right params, or undefined if it does not match. */
export type Matcher = (path: MatchablePath) => Params | undefined;

const NO_PARAMS: Params = Object.freeze(Object.create(null));

/**
 * Creates a matcher that matches the same paths as the router does for this pattern. The pattern
 * must come from `toPattern`.
 */
export function toMatcher({ match, segments }: Pattern): Matcher {
  if (match) return match;
  const text = `/${segments.map((segment) => (segment.kind === 'literal' ? segment.text : '')).join('/')}`;
  return (path) => (path.text === text ? NO_PARAMS : undefined);
}

/** False if, by their segments, no path can match both patterns. */
export function mayOverlap(one: Pattern, other: Pattern): boolean {
  for (let index = 0; ; index++) {
    const [left, right] = [one.segments[index], other.segments[index]];
    if (left?.kind === 'catch-all' || right?.kind === 'catch-all') return true;
    if (!left || !right) return left === right;
    if (left.kind === 'literal' && right.kind === 'literal' && left.text !== right.text) return false;
  }
}
