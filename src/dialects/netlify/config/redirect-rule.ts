/** One `[[redirects]]` of `netlify.toml`: its values are of the right kinds, what they mean is not looked at yet. */
export interface TomlRedirect {
  /** Relative to the site. */
  readonly file: string;
  /** Of its table; undefined if it is not known. */
  readonly line?: number;
  readonly from: string;
  readonly to: string;
  /** Default 301. */
  readonly status: number;
  /** Comes before files that have the same path. */
  readonly force: boolean;
  /** Parameters that a request must have: name → its value, or `:name` for any one that is not empty. */
  readonly query: Readonly<Record<string, string>>;
  /** What else is set, by its key: `conditions.Role`, `signed`, `headers`, … */
  readonly others: readonly string[];
}
