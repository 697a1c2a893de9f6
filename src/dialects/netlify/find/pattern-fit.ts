import type { MatchablePath } from '../../../contract/path.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Params } from '../../../contract/target.ts';

/** Whether a path fits, and what was taken from it. */
export type Fit = (path: MatchablePath) => Params | undefined;

const NO_PARAMS: Params = Object.freeze(Object.create(null));

/** What the router finds by a pattern, asked of the pattern itself: it comes from `toPattern`. */
export function toFit({ match, segments }: Pattern): Fit {
  if (match) return match;
  const text = `/${segments.map((segment) => (segment.kind === 'literal' ? segment.text : '')).join('/')}`;
  return (path) => (path.text === text ? NO_PARAMS : undefined);
}

/** False when no path can fit both, as their segments say. */
export function mayMeet(one: Pattern, other: Pattern): boolean {
  for (let index = 0; ; index++) {
    const [mine, its] = [one.segments[index], other.segments[index]];
    if (mine?.kind === 'catch-all' || its?.kind === 'catch-all') return true;
    if (!mine || !its) return mine === its;
    if (mine.kind === 'literal' && its.kind === 'literal' && mine.text !== its.text) return false;
  }
}
