/** One segment of a pattern: text, `:name` (exactly one non-empty segment) or `*name` (one or more, last only). */
export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string }
  | { readonly kind: 'catch-all'; readonly name: string };

/** Where a route is reached. Case-sensitive; one trailing slash of the request is ignored. */
export interface Pattern {
  /** As shown to people, e.g. `/api/users/:id` or `/api/*rest`. */
  readonly text: string;
  readonly segments: readonly PatternSegment[];
}
