import type { Pattern, PatternSegment } from '../contract/pattern.ts';
import type { Route } from '../contract/route.ts';

/**
 * Sorts routes into the order in which they are tried: by step, then rank, then literal paths before parameters before catch-alls
 * of any length, then more segments, then fewer dynamic segments, then the left-most literal, then the given order.
 */
export function inOrder(routes: readonly Route[]): readonly Route[] {
  // The sort is stable, so the given order decides last.
  return routes
    .map((route) => ({ route, weight: weigh(route.pattern) }))
    .sort(compare)
    .map(({ route }) => route);
}

const KIND_WEIGHT = { literal: 0, param: 1, 'catch-all': 2 } as const satisfies Record<PatternSegment['kind'], number>;

interface Weight {
  /** The most general kind among its segments. */
  readonly kind: number;
  readonly length: number;
  readonly dynamic: number;
  /** One digit for each segment: compared as text, the pattern with the left-most literal is first. */
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
