import type { MatchablePath } from './path.ts';
import type { Params } from './target.ts';

/**
 * One segment of a pattern: literal text, `:name` (exactly one non-empty segment) or `*name` (one or more, last only). With `orNone`, a catch-all also
 * matches an empty segment and no segment. `prefix`: the first of its segments begins with this text; `last`: the last segment of the path is this text.
 */
export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | {
      readonly kind: 'catch-all';
      readonly name: string;
      readonly orNone?: true;
      readonly prefix?: string;
      readonly last?: string;
    };

/** The paths that a route matches. Case-sensitive; one trailing slash of the request is ignored. */
export interface Pattern {
  /** For output, e.g. `/api/users/:id` or `/api/*rest`. */
  readonly text: string;
  readonly segments: readonly PatternSegment[];
  /** Lower case, without a port: only requests with this Host match. Undefined: any. */
  readonly host?: string;
  /**
   * A second check of the paths that the segments match; it returns the params, or undefined if the path does not match. For platforms with patterns that
   * segments cannot express, e.g. `/item/:id(\\d+)`; the segments then match too many paths, never too few.
   */
  readonly match?: (path: MatchablePath) => Params | undefined;
  /** The exception because of which `match` refuses a path of this pattern, e.g. `its excludedPath is /public/*`. For explanations. */
  readonly findExclusion?: (path: MatchablePath) => string | undefined;
}
