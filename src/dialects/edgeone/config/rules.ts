/** What `edgeone.json` says that matters to a running site, checked: rules that are wrong are left out. */
export interface EdgeOneJson {
  readonly redirects: readonly RedirectRule[];
  readonly rewrites: readonly RewriteRule[];
  readonly headers: readonly HeaderRule[];
  /** True: every path but those of files ends with a slash. False: none does. Undefined: both forms stand. */
  readonly trailingSlash: boolean | undefined;
  /** How long a Node function may run; undefined: the default holds. */
  readonly maxDurationMs: number | undefined;
  /** The folder with the site's files, relative to the site, `.` for the site itself; undefined: not said. */
  readonly outputDirectory: string | undefined;
}

export interface RedirectRule {
  /** A path with `:name` for a segment and at most one `*`; or `$host`, `$wwwhost`. */
  readonly source: string;
  /** A path or an URL with the names of the source, `:splat` for its star; or the other of `$host`, `$wwwhost`. */
  readonly destination: string;
  readonly statusCode: number;
}

export interface RewriteRule {
  readonly source: string;
  /** A path. */
  readonly destination: string;
}

export interface HeaderRule {
  readonly source: string;
  readonly headers: readonly RuleField[];
}

/** A field that an answer gets. */
export interface RuleField {
  readonly key: string;
  readonly value: string;
}
