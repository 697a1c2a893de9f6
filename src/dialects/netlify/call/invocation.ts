import type { Params } from '../../../contract/target.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/**
 * One call of a function, by a client that waits or by a job. Expensive parts are created on first
 * use.
 */
export interface Invocation {
  readonly method: string;
  /** Absolute and public: scheme and host as the client sent them, path and query raw. */
  readonly url: string;
  /** The same, parsed; for one owner, which may change it. Throws a Fault if it is no URL. Absent where no code needs it before the call. */
  readonly parsedUrl?: URL;
  /** Alternating names and values as received, without the trust headers of untrusted peers. */
  readonly rawHeaders: readonly string[];
  /** Those of them that a trusted peer may have set about the client and the site (`x-nf-*`, `section-io-geo-*`), and maybe others; none of an untrusted peer. */
  readonly trustedHeaders: readonly string[];
  /** The WHATWG Request with its body; the same object each time. */
  readonly request: Request;
  /** The whole body; empty if there is none. Rejects with `body_too_large`. */
  readBody(): Promise<Buffer>;
  /** '' if unknown. */
  readonly clientAddress: string;
  /** Whether headers of the platform (`x-nf-*`) come from a trusted peer. */
  readonly trusted: boolean;
  /** A ULID. */
  readonly requestId: string;
  /**
   * The id of the job that makes this call, the same at each attempt; undefined if a client waits.
   */
  readonly jobId?: string;
  /** Raw, never decoded. */
  readonly params: Params;
  /** The pattern that matched; undefined on the default URL. */
  readonly route: string | undefined;
  /** Aborts when the client disconnects or the time limit ends. */
  readonly signal: AbortSignal;
  /** The end of the function's time limit, by performance.now(); Infinity for no limit. */
  readonly deadlineMs: number;
  /** The result is of `builder()`: it may be stored for `ttlS` seconds. Absent where nothing is stored. */
  noteBuilt?(ttlS: number): void;
  /** Keeps the process running until the work settles. */
  waitUntil(work: unknown): void;
}

/**
 * Calls a function. Returns its response at once if the function is not asynchronous: a promise
 * costs more than the rest of a small response. Throws, or rejects with, a Fault: `function_error`,
 * `function_bad_answer`, or the fault of reading its request.
 */
export type Run = (invocation: Invocation) => WebResponse | Promise<WebResponse>;
