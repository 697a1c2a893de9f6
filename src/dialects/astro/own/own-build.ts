/**
 * What the entry of a build by `nexthop/astro` exports under the name `nexthop`. The major version of Astro, whose ways of rendering differ, is hidden
 * behind it.
 */
export interface OwnEntry {
  /** Of this contract. */
  readonly version: 1;
  readonly mode: 'standalone' | 'middleware';
  /** Every call gives the same. Throws an Error that says which file of the build is missing or unreadable. */
  open(): OwnBuild;
}

/** A site that our adapter has built, ready to render. */
export interface OwnBuild {
  /** Absolute path of the module that was imported, where it stands now. */
  readonly entry: string;
  /** Absolute path of the folder of its files, found from where the entry stands. */
  readonly client: string;
  /** The path below which the site is reached, without a slash at its end: `/shop`, or '' for the whole host. */
  readonly base: string;
  readonly trailingSlash: 'always' | 'never' | 'ignore';
  readonly buildFormat: 'directory' | 'file' | 'preserve';
  /** Name of the folder whose files never change, without slashes: `_astro`. */
  readonly assetsDir: string;
  /** Fields for prerendered pages, by path: decoded, without base and trailing slash, e.g. `/about`. */
  readonly headers: ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;
  /** Every page, endpoint and redirect, for people who want to see them. */
  readonly routes: readonly OwnRoute[];
  /** Methods with which its middleware, or its `src/fetch.ts`, may answer a path that no route matches. */
  readonly unmatchedMethods: readonly string[];
  /** Largest body of a request; 0: no limit of the build's own. */
  readonly bodyLimitBytes: number;
  /**
   * The route that renders this request on demand; undefined where there is none, also where the page is a file. Reads nothing of the body. Throws a URIError for a path
   * with malformed escapes.
   */
  match(request: RequestView): OwnMatch | undefined;
  /** Astro's answer; its own error page where something fails or, without a route, where nothing is found. Rejects only for mistakes of Astro's. */
  render(request: Request, options: RenderOptions): Promise<Response>;
}

export interface OwnMatch {
  /** Astro's own. */
  readonly route: object;
  /** Largest body that the route takes; 0: that of the build. */
  readonly bodyLimitBytes: number;
  /** Where the page is, with the query, if the request's path has the wrong slash at its end. */
  readonly location?: string;
}

/** What a route is chosen by: less than a Request, which costs more to make. */
export interface RequestView {
  readonly url: string;
  readonly headers: Headers;
}

export interface OwnRoute {
  /** As Astro writes it: `/users/[id]`. */
  readonly pattern: string;
  readonly type: 'page' | 'endpoint' | 'redirect' | 'fallback';
  /** It is a file. */
  readonly isPrerendered: boolean;
}

export interface RenderOptions {
  /** As `match` found it; has no `location`. */
  readonly match: OwnMatch | undefined;
  readonly clientAddress: string;
  /** Becomes `Astro.locals`. */
  readonly locals?: object | undefined;
  /** Takes work that goes on behind the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** Tells the entry of a build by our adapter, by what it exports, from any other. Of a newer contract than ours it says no. */
export function isOwnEntry(exported: unknown): exported is OwnEntry {
  if (typeof exported !== 'object' || exported === null) return false;
  const { version, open } = exported as Partial<OwnEntry>; // each is looked at
  return version === 1 && typeof open === 'function';
}
