import type { Exchange } from './exchange.ts';
import type { JobRule } from './job-rule.ts';
import type { Problem } from './problem.ts';
import type { Project } from './project.ts';
import type { FilterLimit, Route } from './route.ts';

/** A platform whose sites nexthop runs. Dialects never import each other. */
export interface Dialect {
  readonly name: string;
  /** The files that routes come from, e.g. `cloud-functions/**` with `.js` or `.ts`. Shown at start when a site has none. */
  readonly looksFor: string;
  /** Reads the project. Returns an empty Reading if the project has no files of this platform. Never throws for the content of the user's files. */
  read(project: Project): Promise<Reading>;
  /** Stores the modules of URLs that the project's code imports. Undefined if its code imports none. */
  vendor?(project: Project): Promise<Vendored | undefined>;
}

/** What `nexthop vendor` has stored for a dialect. */
export interface Vendored {
  /** Relative to the site. */
  readonly folder: string;
  readonly urls: readonly string[];
  /** Nothing is stored if there are any. */
  readonly mistakes: readonly string[];
}

/** What a dialect found in a project. */
export interface Reading {
  readonly routes: readonly Route[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** The limits of the filters that would answer or change this request, before any of them runs. Undefined: no filter has a limit. */
  readonly findLimits?: (exchange: Exchange) => readonly FilterLimit[];
  /** Problems that are found only when the files of the site are known. Called once. */
  readonly lateProblems?: () => readonly Problem[];
  /** Reads what depends on the pages of the site. Called once, when `project.files` has all files. */
  readonly readPages?: () => Promise<Pick<Reading, 'routes' | 'problems'>>;
  /** Called each time when the site comes into use: at start, and after a reload. Never rejects. */
  readonly announce?: () => Promise<void>;
  /** The folders of static files, if the platform's configuration names them. Empty: no files. Undefined: the default folder. */
  readonly fileFolders?: readonly FileFolder[];
  /** The configuration of the platform cannot be read: what else may be missing there is not known. */
  readonly lacksSettings?: boolean;
  /** The rule or page that answers every request that nothing else of the site does. Undefined: those go to the next hop. */
  readonly answersAll?: Pick<Problem, 'file' | 'line'>;
  /** How the jobs of this site are run. */
  readonly jobRules?: readonly JobRule[];
}

/** A folder of the site whose files are served unchanged, before functions that do not shadow them. */
export interface FileFolder {
  /** Relative to the site; '.' for the site itself. Undefined: the folder that is served when no dialect names one (docs/static.md). */
  readonly folder?: string;
  /** The setting that names the folder, for problems. Undefined: no file does. */
  readonly namedBy?: Pick<Problem, 'file' | 'line' | 'column'> & { readonly key: string };
  /**
   * The path of a page (`about.html`, `about/index.html`): with or without a trailing slash.
   * 'one' (default): the form in which its relative links work, `/about` and `/about/`; the other form redirects to it (308).
   * 'either': both, for platforms with their own slash rule, since two rules could redirect in a circle.
   * 'always': with the slash; the path without it redirects (301). 'never': without it, except for `/`.
   * Paths without a file are not redirected.
   */
  readonly slash?: 'one' | 'either' | 'always' | 'never';
  /** Whether `about.html` is a page. False: it is reached as `/about.html` only, for builds that write each page into its own folder. Default true. */
  readonly htmlPages?: boolean;
  /** Path prefix of the files, decoded, e.g. `/shop`. Default: none. */
  readonly base?: string;
  /** Serves only pages, their assets, and the scripts and data that these name: for a folder that also holds files of a server. */
  readonly pagesOnly?: true;
  /** Top-level dot folders that are served. Default: `.well-known`. No other name that begins with a dot is ever served. */
  readonly dotFolders?: readonly string[];
  /**
   * Paths below the base, decoded, with a slash at both ends, e.g. `/_astro/`: files below them get a new name when their content changes. Elsewhere the
   * file name decides (docs/static.md, "What is sent").
   */
  readonly immutable?: readonly string[];
  /**
   * Headers to add to a file's response (200, 206 and 304), by path: decoded, below the base; of a page without slash, `.html` and `index.html`, e.g. `/`,
   * `/about`, `/404`, `/robots.txt`. `Cache-Control` replaces the default; headers that describe the content or the connection are ignored.
   */
  readonly headers?: ReadonlyMap<string, readonly (readonly [name: string, value: string])[]>;
}

/** A file in a folder of routes that is not a route itself. */
export interface IgnoredFile {
  readonly file: string;
  readonly reason: string;
}
