import type { Log } from '../log/log.ts';
import type { Pattern } from '../site/pattern.ts';
import type { Problem } from '../site/problem.ts';
import type { Target } from '../target.ts';

/** The folder of a user's site and what a dialect needs to read it. */
export interface Project {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute path of the folder for what is made from the site, e.g. compiled functions. */
  readonly dataDir: string;
  readonly log: Log;
  /** Code of the place where this module runs, shown to functions; '' if not set. */
  readonly region: string;
  /** The variables a function may see. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a function may take; 0: no limit. A platform's own configuration may say otherwise. */
  readonly functionLimits: { readonly bodyBytes: number; readonly timeoutMs: number };
  /** What was found wrong before any dialect was asked. */
  readonly problems?: readonly Problem[];
  /** Set by `nexthop build`: what is compiled is kept there, and nothing of the user's is run. */
  readonly ahead?: Ahead;
}

/** Takes what is compiled ahead. The loader alone looks inside. */
export interface Ahead {
  keep(piece: object): void;
}

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
  /** Name of the dialect. */
  readonly dialect: string;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** For one of many files of a folder: the folder, relative to the site. People are told of it in one line. */
  readonly folder?: string;
}

/** A folder of the site whose files are served as they are, before functions that do not shadow them. */
export interface FileFolder {
  /** Relative to the site; '.' for the site itself. */
  readonly folder: string;
  /**
   * 'one' (default): a page has one address, and the same with or without a slash at its end leads there. 'either': it answers under both, for platforms
   * with a rule of their own for slashes, which must not turn in circles with this one.
   */
  readonly slash?: 'one' | 'either';
}

/** A file that stands where routes come from and is none. */
export interface IgnoredFile {
  readonly file: string;
  readonly reason: string;
}

/** What a dialect found in a project. */
export interface Reading {
  readonly routes: readonly Route[];
  readonly ignored: readonly IgnoredFile[];
  readonly problems: readonly Problem[];
  /** Where the files of the site are, if the platform's configuration says so; none: nowhere. Undefined: the default holds. */
  readonly fileFolders?: readonly FileFolder[];
}

/** A platform whose sites run here. A room of its own: dialects never import each other. */
export interface Dialect {
  readonly name: string;
  /** The files its routes come from, as told to the author of a site that has none, e.g. `cloud-functions/**` with `.js` or `.ts`. */
  readonly looksFor: string;
  /** Reads the project; an empty Reading when the project does not speak this dialect. Never throws for what stands in the user's files. */
  read(project: Project): Promise<Reading>;
}
