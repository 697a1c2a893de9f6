import type { JobIntake } from './job-rule.ts';
import type { Log } from './log.ts';
import type { Problem } from './problem.ts';
import type { Route, Router } from './route.ts';
import type { Kv } from './store.ts';

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
  /** What `request.body` is in functions of EdgeOne that do not say it themselves. Default: 'parsed'. */
  readonly body?: 'parsed' | 'stream';
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
  /** Compiles routes for lookups by method and path, in the order that holds for the whole site. */
  readonly createRouter: (routes: readonly Route[]) => Router;
  /** The environment variables of the process; code of the site reads and writes the same object. */
  readonly processEnv: NodeJS.ProcessEnv;
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
