import type { Pattern, PatternSegment } from '../contract/pattern.ts';
import type { Route } from '../contract/route.ts';

/**
 * The routes in the order in which they are asked when several match: by step, then rank, then literal paths before parameters before
 * catch-alls whatever their length, then more segments, then fewer dynamic ones, then the left-most literal, then as given.
 */
export function inOrder(routes: readonly Route[]): readonly Route[] {
  // The sort is stable, which is the "as given".
  return routes
    .map((route) => ({ route, weight: weigh(route.pattern) }))
    .sort(compare)
    .map(({ route }) => route);
}

const KIND_WEIGHT = { literal: 0, param: 1, 'catch-all': 2 } as const satisfies Record<PatternSegment['kind'], number>;

interface Weight {
  /** The most general kind of segment in it. */
  readonly kind: number;
  readonly length: number;
  readonly dynamic: number;
  /** A digit a segment, so that of two patterns of one length the left-most literal comes first as text. */
  readonly digits: string;
}

interface Weighed {
  readonly route: Route;
  readonly weight: Weight;
}

function weigh({ segments }: Pattern): Weight {
  const kinds = segments.map(({ kind }) => KIND_WEIGHT[kind]);
  return {
    kind: Math.max(0, ...kinds),
    length: segments.length,
    dynamic: kinds.filter((kind) => kind > 0).length,
    digits: kinds.join(''),
  };
}

function compare(left: Weighed, right: Weighed): number {
  return (
    left.route.step - right.route.step ||
    (left.route.rank ?? 0) - (right.route.rank ?? 0) ||
    compareWeights(left.weight, right.weight)
  );
}

function compareWeights(left: Weight, right: Weight): number {
  return (
    left.kind - right.kind ||
    right.length - left.length ||
    left.dynamic - right.dynamic ||
    Number(left.digits > right.digits) - Number(left.digits < right.digits)
  );
}
