import type { JobRule } from './job-rule.ts';
import type { Problem } from './problem.ts';
import type { Project } from './project.ts';
import type { Route } from './route.ts';

/** A platform whose sites run here. A room of its own: dialects never import each other. */
export interface Dialect {
  readonly name: string;
  /** The files its routes come from, as told to the author of a site that has none, e.g. `cloud-functions/**` with `.js` or `.ts`. */
  readonly looksFor: string;
  /** Reads the project; an empty Reading when the project does not speak this dialect. Never throws for what stands in the user's files. */
  read(project: Project): Promise<Reading>;
}

/** What a dialect found in a project. */
export interface Reading {
  readonly routes: readonly Route[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** Where the files of the site are, if the platform's configuration says so; none: nowhere. Undefined: the default holds. */
  readonly fileFolders?: readonly FileFolder[];
  /** How the jobs of this site are run. */
  readonly jobRules?: readonly JobRule[];
}

/** A folder of the site whose files are served as they are, before functions that do not shadow them. */
export interface FileFolder {
  /** Relative to the site; '.' for the site itself. Undefined: the folder that is served when no dialect names one (docs/static.md). */
  readonly folder?: string;
  /**
   * Where a page (`about.html`, `about/index.html`) answers: with or without a slash at the end of its path.
   * 'one' (default): where its relative links are right, which is `/about` and `/about/`; the other leads there (308).
   * 'either': under both, for platforms with a rule of their own for slashes, which must not turn in circles with this one.
   * 'always': with the slash; the path without one leads there (301). 'never': the other way round, but for `/`.
   * Paths without a file are left alone: whoever answers them has the last word on their slashes.
   */
  readonly slash?: 'one' | 'either' | 'always' | 'never';
  /** Whether `about.html` is a page. False: it answers as `/about.html` alone, for builds that write each page into a folder of its own. Default true. */
  readonly htmlPages?: boolean;
  /** The path below which the files are reached, decoded, e.g. `/shop`. Default: the top. */
  readonly base?: string;
  /** Only pages and their assets, and scripts and data that these name: for a folder in which a server's files stand, too. */
  readonly pagesOnly?: true;
  /** Names of dot folders at the top of the folder that are served. Default: `.well-known`. Whatever else begins with a dot never is. */
  readonly dotFolders?: readonly string[];
  /**
   * Paths, decoded, below the base, with a slash at both ends, e.g. `/_astro/`: no file below them changes without its name. Elsewhere the names tell
   * (docs/static.md, "What is sent").
   */
  readonly immutable?: readonly string[];
  /**
   * Fields to add to a file (200, 206 and 304), by its path: decoded, below the base, that of a page without slash, `.html` and `index.html`, e.g. `/`, `/about`, `/404`,
   * `/robots.txt`. `Cache-Control` takes the place of the usual one; those that tell of the content or the connection are not taken.
   */
  readonly headers?: ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;
}

/** A file that stands where routes come from and is none. */
export interface IgnoredFile {
  readonly file: string;
  readonly reason: string;
}
