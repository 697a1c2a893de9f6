import type { Pattern } from './pattern.ts';
import type { Params, Target } from './target.ts';

/**
 * In which order targets of different kinds are asked (docs/architecture.md, "Who is asked first").
 * Lower comes first; inside one step the pattern decides.
 */
export type Step = 1 | 2 | 3 | 4 | 5;

/** A target with the pattern under which it is reached. */
export interface Route {
  readonly pattern: Pattern;
  /** Methods it answers, or 'any'. A request with another method passes on. */
  readonly methods: readonly string[] | 'any';
  readonly target: Target;
  readonly step: Step;
  /** Inside the step, before the pattern decides: lower is asked first. Default 0. For platforms that weigh something else more than the path. */
  readonly rank?: number;
  /**
   * The fallback is asked before this route, and only if it has nothing (404) or is not there the route itself. For a GET or HEAD without a body alone: any
   * other request cannot be taken back from the hop.
   */
  readonly afterFallback?: boolean;
  /** The pattern is also tried against the path in lower case, when no route fits the path as it is. */
  readonly anyCase?: boolean;
  /** Name of the dialect. */
  readonly dialect: string;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** What people are told of it where routes are listed, in a few words. */
  readonly about?: string;
  /** For one of many files of a folder: the folder, relative to the site. People are told of it in one line. */
  readonly folder?: string;
  /** The path below which all of that folder is reached, without a slash at its end. Default '': the top. */
  readonly base?: string;
}

/** A route that matches a request, with the params that its pattern took from the path. */
export interface Candidate {
  readonly route: Route;
  readonly params: Params;
}

/** Finds the routes that match a request. Compiled once; a lookup costs the same for ten routes and ten thousand. */
export interface Router {
  /** The matching routes, in the order in which they are tried. `target` is the raw request target. Never throws. */
  find(method: string, target: string): readonly Candidate[];
}
