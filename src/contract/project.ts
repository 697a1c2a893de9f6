import type { BlobStorage } from './blob-storage.ts';
import type { WithCache } from './cache.ts';
import type { ExternalOrigins } from './external-origins.ts';
import type { JobIntake } from './job-rule.ts';
import type { Log } from './log.ts';
import type { OwnCalls } from './own-calls.ts';
import type { Problem } from './problem.ts';
import type { Purging } from './purging.ts';
import type { Limiter, RateRule } from './rate-limit.ts';
import type { Route, Router } from './route.ts';
import type { SiteCode } from './site-code.ts';
import type { SiteFiles } from './site-files.ts';
import type { SiteRequests } from './site-requests.ts';
import type { Kv } from './store.ts';
import { UserError } from './user-error.ts';

/** A user's site, and what a dialect needs to read it. */
export interface Project {
  /** Absolute path of the site. */
  readonly root: string;
  /** Absolute path of the folder for generated files, e.g. compiled functions. */
  readonly dataDir: string;
  /** Absolute paths of files and folders of the server, such as its logs and its key, which are never served. */
  readonly privatePaths?: readonly string[];
  readonly log: Log;
  /** The setting REGION, visible to functions; '' if not set. */
  readonly region: string;
  /** The environment variables that functions see. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default limits of functions. A platform's own configuration may replace them. */
  readonly functionLimits: ProjectLimits;
  /** The form of `request.body` in EdgeOne functions that do not set it themselves. Default: 'parsed'. */
  readonly body?: 'parsed' | 'stream';
  /** The setting EDGE_FUNCTIONS is `ignore`: edge functions of all platforms are not run. */
  readonly ignoresEdgeFunctions?: boolean;
  /** The setting AGENT_TIMEOUT; 0: no limit. */
  readonly agentTimeoutMs?: number;
  /** The setting AGENT_MESSAGE_LIMIT; 0: no limit. */
  readonly agentMessageBytes?: number;
  /** The setting AGENT_TOOLS, relative to the site; '' for none. */
  readonly agentTools?: string;
  /** For development: a failed function's message and stack are sent to the client. */
  readonly dev?: boolean;
  /** For development: the country (two letters) reported for every client; 'US' is San Francisco. Undefined: from headers of trusted peers. */
  readonly mockCountry?: string;
  /** Accepts background jobs. Undefined when no functions are run. */
  readonly jobs?: JobIntake;
  /** Opens a namespace of stored values. Undefined when no functions are run. */
  readonly kv?: (namespace: string) => Kv;
  /** Storage for files and values of any size, opened at its first use. Undefined when no functions are run. */
  readonly blobs?: BlobStorage;
  /** Undefined when no functions are run. */
  readonly purging?: Purging;
  /** The setting BLOBS_CAPTURE. */
  readonly capturesBlobs?: boolean;
  /** Counts requests for rate limits. Undefined when no requests are answered. */
  readonly rateLimits?: RateLimits;
  /** Limits of submissions of forms; 0: no limit. Undefined: none. */
  readonly forms?: { readonly bodyBytes: number; readonly perMinute: number };
  /** Namespaces that functions see as global variables. */
  readonly kvBindings?: readonly string[];
  /** Settings of Astro builds. Undefined: the defaults. */
  readonly astro?: AstroSettings;
  /** The files that the site serves, for targets that answer with one. Undefined: the project is read without files. */
  readonly files?: SiteFiles;
  /** All routes of the site but filters, for rules of a platform that answer with one. It finds none before the whole project is read. */
  readonly siteRoutes?: Router;
  /** Sends requests to the site itself. Undefined when no requests are answered. */
  readonly siteRequests?: SiteRequests;
  /** Sends requests through the whole path. Undefined when no requests are answered. */
  readonly ownCalls?: OwnCalls;
  /** Most bytes of images that are kept on disk below `dataDir`; 0: none are. */
  readonly imageCacheBytes?: number;
  /** Servers that rules of the site may name. Undefined when no requests are answered. */
  readonly origins?: ExternalOrigins;
  /** Puts the cache between requests and a target. Undefined when nothing is cached. */
  readonly withCache?: WithCache;
  /** Compiles routes for lookups by method and path, in the order that holds for the whole site. */
  readonly createRouter: (routes: readonly Route[]) => Router;
  /** The environment variables of the process; code of the site reads and writes the same object. */
  readonly processEnv: NodeJS.ProcessEnv;
  /** The setting NEXT_HOP is set, so that the operator expects requests to reach it. */
  readonly hasNextHop?: boolean;
  /** Problems that were found before the dialects read the project. */
  readonly problems?: readonly Problem[];
  /** Keeps loaded code for the next reading of the site. Undefined when the site is read once. */
  readonly warmCode?: WarmCode;
  /** What earlier readings of the site found in its files. Undefined if the site is read seldom. */
  readonly fileFacts?: FileFacts | undefined;
  /** Called when code has loaded for which this reading did not wait. Undefined if it is used at once then. */
  readonly onLateCode?: () => void;
  /** Receives the files outside of the site that its code imports, as absolute paths; after each reading, for each dialect. */
  readonly onOutside?: ((files: readonly string[]) => void) | undefined;
  /** Set by `nexthop build`: receives the compiled code. No code of the user is run then. */
  readonly ahead?: Ahead;
}

/** What is known of files, by absolute path, as long as they do not change. */
export interface FileFacts {
  /** What `find` resolves with, or an earlier call of it under the same key. */
  of<T>(path: string, key: string, find: () => Promise<T>): Promise<T>;
  /** Every file of which anything was known, and what is known under this key since it changed last. */
  all<T>(key: string): ReadonlyMap<string, T | undefined>;
}

export interface RateLimits {
  readonly limiter: Limiter;
  /** For every request, whatever answers it. Undefined: only routes have limits. */
  readonly siteRule?: RateRule | undefined;
  /** Responses say how much of a limit is left. */
  readonly sendsFields: boolean;
}

export interface AstroSettings {
  /** Relative to the site, or absolute. */
  readonly entry: string;
  /** Paths without a page get the build's 404 page and are never forwarded. */
  readonly ownsNotFound: boolean;
}

/** Limits of functions; 0: no limit. */
export interface ProjectLimits {
  /** Of a request body. */
  readonly bodyBytes: number;
  /** From the call to the head of the response. */
  readonly timeoutMs: number;
  /** From the call to the end of a streamed response, on platforms with such a limit. */
  readonly streamMs: number;
  /** Of a streamed response, on platforms with such a limit. */
  readonly streamBytes: number;
  /** Of the request body that is stored in a job. */
  readonly backgroundBodyBytes: number;
  readonly backgroundMs: number;
  readonly scheduledMs: number;
}

/** Modules of a site that this process has loaded. When the site is read again, unchanged code keeps its module and its state. Used by the loader only. */
export interface WarmCode {
  /** True if nothing was loaded before. */
  readonly isFirst: boolean;
  find(key: string): object | undefined;
  /** `code`: it ends when no reading uses the module any more. */
  keep(key: string, module: object, code?: SiteCode): void;
  /** The next reading loads it again. */
  forget(key: string): void;
  /** Records that a file works. `file`: relative to the site. */
  keepGood(file: string, good: GoodCode): void;
  /** What a file was when it last worked, for a reading in which it does not load. */
  findGood(file: string): GoodCode | undefined;
  /** A newer reading waits for this one, and there is code of the file that worked: a module that does not load must not hold the newer one up. */
  isSuperseded(file: string): boolean;
  /** The code of a file in this reading. */
  codeOf(file: string): SiteCode | undefined;
}

/** A file of the site that has loaded. */
export interface GoodCode {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly code: SiteCode;
  /** What a dialect needs besides to create the routes of the file, as JSON. */
  readonly facts?: object;
  /** The text of the code, if the loader can load it again. */
  readonly source?: object;
}

/** Receives the code that `nexthop build` compiles. Used by the loader only. */
export interface Ahead {
  keep(piece: object): void;
}

/** A route or a job rule with the code of its file, so that the code does not end before its calls do. */
export function withCode<T extends { readonly file: string }>(of: T, { warmCode }: Pick<Project, 'warmCode'>): T {
  const code = warmCode?.codeOf(of.file);
  return code ? { ...of, code } : of;
}

/** The site cannot be read at all. The message has its path and what to do. */
export class SiteError extends UserError {
  override readonly name = 'SiteError';
}
