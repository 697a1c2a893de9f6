import type { Log } from './log.ts';
import type { Pattern } from './pattern.ts';
import type { Problem } from './problem.ts';
import type { Kv } from './store.ts';
import type { Target } from './target.ts';

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
  /** What a function may take. A platform's own configuration may say otherwise. */
  readonly functionLimits: ProjectLimits;
  /** For development: whoever asks is told what went wrong in a function, with its stack. */
  readonly dev?: boolean;
  /** Country (two letters) in which every client is said to be, for development; 'US' is San Francisco. Undefined: as trusted peers say. */
  readonly mockCountry?: string;
  /** Takes work that outlives its request. Undefined where no functions are run. */
  readonly jobs?: JobIntake;
  /** Values that outlive the process, by namespace. Undefined where no functions are run. */
  readonly kv?: (namespace: string) => Kv;
  /** Names of the namespaces that functions see as globals. */
  readonly kvBindings?: readonly string[];
  /** Where a build of Astro stands, and what it answers. Undefined: as where nothing is set. */
  readonly astro?: AstroSettings;
  /** What was found wrong before any dialect was asked. */
  readonly problems?: readonly Problem[];
  /** Where a reading finds code that is loaded already, and leaves its own for the next one. Undefined: nobody reads this site twice. */
  readonly warmCode?: WarmCode;
  /** Set by `nexthop build`: what is compiled is kept there, and nothing of the user's is run. */
  readonly ahead?: Ahead;
}

export interface AstroSettings {
  /** Relative to the site, or absolute. */
  readonly entry: string;
  /** What it has no page for gets its 404 page, and is asked of nobody else. */
  readonly ownsNotFound: boolean;
}

/** What a function may take; 0: no limit. */
export interface ProjectLimits {
  /** Of a request's body. */
  readonly bodyBytes: number;
  /** From the call to the head of the answer. */
  readonly timeoutMs: number;
  /** From the call to the end of an answer that streams, where the platform has such a limit. */
  readonly streamMs: number;
  /** Of an answer that streams, where the platform has such a limit. */
  readonly streamBytes: number;
  /** Of the body of a request that is kept in a job. */
  readonly backgroundBodyBytes: number;
  readonly backgroundMs: number;
  readonly scheduledMs: number;
}

/** Takes work that outlives its request, and its process. */
export interface JobIntake {
  /** Resolves with the job's id once it is stored. Rejects with `store_unavailable`. */
  push(rule: string, payload: Uint8Array): Promise<string>;
}

/** How the jobs of one name are run. */
export interface JobRule {
  /** Under which jobs are stored: the same after a restart and in every container of the site, e.g. `netlify/report-background`. */
  readonly name: string;
  /** The file it comes from, relative to the site. */
  readonly file: string;
  /** Five fields or one of @hourly, @daily, @weekly, @monthly, @yearly, in UTC: then jobs are pushed by the clock. */
  readonly schedule?: string;
  readonly timeoutMs: number;
  /** After each failure the next wait; after the last one a job that fails again is set aside. */
  readonly retryAfterMs: readonly number[];
  /** Rejects when the attempt failed. */
  run(attempt: JobAttempt): Promise<void>;
}

/** One run of a job. */
export interface JobAttempt {
  readonly id: string;
  readonly payload: Uint8Array;
  /** From 1. */
  readonly number: number;
  /** Aborts when the time is up or the process has to end. */
  readonly signal: AbortSignal;
  /** When a schedule is due next; milliseconds since the epoch. */
  readonly nextRunAtMs?: number;
}

/** Code of a site that this process has loaded, so that a reading which finds it unchanged finds it with its state. The loader alone looks inside. */
export interface WarmCode {
  /** Nothing was loaded before. */
  readonly isFirst: boolean;
  find(key: string): object | undefined;
  keep(key: string, module: object): void;
  /** Whoever comes next loads it anew. */
  forget(key: string): void;
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
  /** Inside the step, before the pattern decides: lower is asked first. Default 0. For platforms that weigh something else more than the path. */
  readonly rank?: number;
  /**
   * The miss is asked before this route, and only if it has nothing (404) or is not there the route itself. For a GET or HEAD without a body alone: any
   * other request cannot be taken back from the hop.
   */
  readonly afterMiss?: boolean;
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

/** A folder of the site whose files are served as they are, before functions that do not shadow them. */
export interface FileFolder {
  /** Relative to the site; '.' for the site itself. */
  readonly folder: string;
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

/** A platform whose sites run here. A room of its own: dialects never import each other. */
export interface Dialect {
  readonly name: string;
  /** The files its routes come from, as told to the author of a site that has none, e.g. `cloud-functions/**` with `.js` or `.ts`. */
  readonly looksFor: string;
  /** Reads the project; an empty Reading when the project does not speak this dialect. Never throws for what stands in the user's files. */
  read(project: Project): Promise<Reading>;
}
