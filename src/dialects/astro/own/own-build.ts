/**
 * The export `nexthop` of the entry of a build by `nexthop/astro`. It hides how the major versions
 * of Astro render.
 */
export interface OwnEntry {
  /** Version of this interface. */
  readonly version: 1;
  readonly mode: 'standalone' | 'middleware';
  /**
   * Returns the same object for each call. Throws an Error that names a file of the build that is
   * missing or unreadable.
   */
  open(): OwnBuild;
}

/** A build by nexthop's adapter, ready to render. */
export interface OwnBuild {
  /** Current absolute path of the entry. */
  readonly entry: string;
  /** Absolute path of the folder of its files, relative to the current path of the entry. */
  readonly client: string;
  /**
   * The path below which the site is reached, without a slash at its end: `/shop`, or '' for the
   * whole host.
   */
  readonly base: string;
  readonly trailingSlash: 'always' | 'never' | 'ignore';
  readonly buildFormat: 'directory' | 'file' | 'preserve';
  /** Name of the folder whose files never change, without slashes: `_astro`. */
  readonly assetsDir: string;
  /**
   * Headers of prerendered pages, by path: decoded, without base and trailing slash, e.g. `/about`.
   */
  readonly headers: ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;
  /** Every page, endpoint and redirect, for display. */
  readonly routes: readonly OwnRoute[];
  /**
   * Methods with which its middleware, or its `src/fetch.ts`, may answer a path that no route
   * matches.
   */
  readonly unmatchedMethods: readonly string[];
  /** Largest body of a request; 0: the build sets no limit. */
  readonly bodyLimitBytes: number;
  /**
   * Finds the route that renders a request on demand; undefined if there is none, or if the page is
   * a file. Does not read the body. Throws a URIError for a path with malformed escapes.
   */
  match(request: RequestView): OwnMatch | undefined;
  /**
   * Renders with Astro. Resolves with Astro's error page when a page fails or when no route is
   * given and nothing is found. Rejects only when Astro itself throws.
   */
  render(request: Request, options: RenderOptions): Promise<Response>;
}

export interface OwnMatch {
  /** Astro's route object. */
  readonly route: object;
  /** Largest body that the route takes; 0: the limit of the build applies. */
  readonly bodyLimitBytes: number;
  /** Path and query of the page if the requested path has the wrong slash at its end. */
  readonly location?: string;
}

/** What `match` needs of a request. A whole Request would cost more to make. */
export interface RequestView {
  readonly url: string;
  readonly headers: Headers;
}

export interface OwnRoute {
  /** As Astro writes it: `/users/[id]`. */
  readonly pattern: string;
  readonly type: 'page' | 'endpoint' | 'redirect' | 'fallback';
  /** True if a file answers. */
  readonly isPrerendered: boolean;
}

export interface RenderOptions {
  /** A result of `match` without `location`. */
  readonly match: OwnMatch | undefined;
  readonly clientAddress: string;
  /** Becomes `Astro.locals`. */
  readonly locals?: object | undefined;
  /** Takes a promise of work that may continue after the response. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/**
 * Whether the export `nexthop` of a module is an OwnEntry. False for other versions of the
 * interface.
 */
export function isOwnEntry(exported: unknown): exported is OwnEntry {
  if (typeof exported !== 'object' || exported === null) return false;
  const { version, open } = exported as Partial<OwnEntry>; // both are checked
  return version === 1 && typeof open === 'function';
}
