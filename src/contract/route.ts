import type { Exchange } from './exchange.ts';
import type { Pattern } from './pattern.ts';
import type { RateRule } from './rate-limit.ts';
import type { SiteCode } from './site-code.ts';
import type { Params, Target } from './target.ts';

/**
 * The order in which targets of different kinds are tried (docs/architecture.md, "The order of the path").
 * Lower is first; inside one step the pattern decides.
 */
export type Step = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** A rate limit for the requests of a route, or of a filter. */
export interface RouteLimit {
  readonly rule: RateRule;
  /** Whether the target would answer this request. Undefined: it answers all that its pattern matches. */
  matches?(exchange: Exchange): boolean;
}

/** The rate limit of a filter that would answer or change a request. */
export interface FilterLimit {
  readonly rule: RateRule;
  /** Of the filter, or of its rule, as lists of routes print it. */
  readonly pattern: string;
}

/** A target, and the requests that it may answer. */
export interface Route {
  readonly pattern: Pattern;
  /** Methods that it answers, or 'any'. A request with another method passes. */
  readonly methods: readonly string[] | 'any';
  readonly target: Target;
  readonly step: Step;
  /** Order inside the step, before the pattern decides: lower is first. Default 0. For platforms whose order does not follow the path. */
  readonly rank?: number;
  /**
   * The fallback is tried before this route; the route answers if the fallback responds with 404 or cannot be reached. For GET and HEAD without a body
   * only: other requests cannot be sent twice.
   */
  readonly afterFallback?: boolean;
  /** The pattern is also matched against the path in lower case, if no route matches the path as it is. */
  readonly anyCase?: boolean;
  /** Its requests are counted before it is called, with all that have the same rule. Not of filters, see `Reading.findLimits`. */
  readonly limit?: RouteLimit;
  /** Name of the dialect. */
  readonly dialect: string;
  /** The code that the target runs. Undefined for targets without code of the site. */
  readonly code?: SiteCode;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** A short description for lists of routes. */
  readonly about?: string;
  /** It exists in development only, such as the URL of a scheduled function. It is not counted, so that a site has one number of routes. */
  readonly isForDevelopment?: boolean;
  /** Of a filter that may protect something: its kind, such as `Basic-Auth`, and what names it: files or paths. */
  readonly guards?: { readonly kind: string; readonly names: readonly string[] };
  /** For a static file: its folder, relative to the site. Lists of routes show one line for the folder. */
  readonly folder?: string;
  /** For one route of all files of a folder: their number at this moment. */
  readonly countFiles?: () => number;
  /** Path prefix of that folder, without a trailing slash. Default ''. */
  readonly base?: string;
}

/** How many of the routes of a site are no files, and how many files are served. */
export interface RouteCounts {
  readonly routes: number;
  readonly files: number;
}

/** A file counts once, though it may have several paths. */
export function countRoutes(routes: readonly Route[]): RouteCounts {
  const files = routes.filter(({ folder }) => folder !== undefined);
  const others = routes.filter(({ folder, isForDevelopment }) => folder === undefined && !isForDevelopment);
  return { routes: others.length, files: countFiles(files) };
}

/** Of routes for files. */
export function countFiles(routes: readonly Route[]): number {
  const folders = routes.filter((route) => route.countFiles !== undefined);
  const single = new Set(routes.flatMap(({ file, countFiles: count }) => (count ? [] : [file]))).size;
  return folders.reduce((sum, { countFiles: count }) => sum + (count?.() ?? 0), single);
}

/** A route that matches a request, with the params that its pattern took from the path. */
export interface Candidate {
  readonly route: Route;
  readonly params: Params;
}

/** Finds the routes that match a request. Compiled once; a lookup costs the same for ten routes and ten thousand. */
export interface Router {
  /**
   * The matching routes, in the order in which they are tried. `target` is the raw request target. `host`: the value of Host; undefined: routes for any host
   * match. Never throws.
   */
  find(method: string, target: string, host?: string): readonly Candidate[];
}

/** Two routes that match the same paths: `second` answers `methods` only if `first` passes. */
export interface Conflict {
  readonly first: Route;
  readonly second: Route;
  readonly methods: Route['methods'];
  /** `second` is a function or a page that is never asked, so the author most likely made a mistake. */
  readonly isMistake: boolean;
}

/** The routes whose requests get 503, because they have ended their process too often (src/process/stopped-routes.ts). */
export interface RouteStops {
  /** False while none is stopped: the usual case. */
  readonly areAny: boolean;
  /** Throws `route_stopped` if the route that is about to be called is stopped. */
  check(exchange: Exchange): void;
}
