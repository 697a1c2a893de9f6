import type { MatchablePath } from './path.ts';
import type { Params } from './target.ts';

/**
 * One segment of a pattern: text, `:name` (exactly one non-empty segment) or `*name` (one or more, last only). With `orNone`, whatever comes: one that is
 * empty, and nothing at all, too.
 */
export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'catch-all'; readonly name: string; readonly orNone?: true };

/** Where a route is reached. Case-sensitive; one trailing slash of the request is ignored. */
export interface Pattern {
  /** As shown to people, e.g. `/api/users/:id` or `/api/*rest`. */
  readonly text: string;
  readonly segments: readonly PatternSegment[];
  /**
   * Of the paths that the segments let through, takes those that really fit, and their params instead of those of the segments. For platforms whose
   * patterns say more than segments can, e.g. `/item/:id(\\d+)`; their segments then let through too much rather than too little.
   */
  readonly match?: (path: MatchablePath) => Params | undefined;
}
