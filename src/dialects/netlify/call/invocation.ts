import type { Params } from '../../../contract/target.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';

/** One call of a function: a client waits for it, or a job made it. What costs something is made when it is first asked for. */
export interface Invocation {
  readonly method: string;
  /** Absolute and public: scheme and host as the client saw them, path and query raw. */
  readonly url: string;
  /** Flat names and values as they came; trust headers of untrusted peers are gone. */
  readonly rawHeaders: readonly string[];
  /** The WHATWG Request with its body; the same object each time. */
  readonly request: Request;
  /** The whole body; empty for none. Rejects with `body_too_large`. */
  readBody(): Promise<Buffer>;
  /** '' if unknown. */
  readonly clientAddress: string;
  /** Whether fields of the platform (`x-nf-*`) are to be believed. */
  readonly trusted: boolean;
  /** ULID. */
  readonly requestId: string;
  /** Of the job that makes this call, the same at each attempt; undefined while a client waits. */
  readonly jobId?: string;
  /** Raw, never decoded. */
  readonly params: Params;
  /** The pattern that matched; undefined on the default URL. */
  readonly route: string | undefined;
  /** Aborts when the client leaves or the time is up. */
  readonly signal: AbortSignal;
  /** When the function's time is up, by performance.now(); Infinity for no limit. */
  readonly deadlineMs: number;
  /** Keeps the process from ending before the work settles. */
  waitUntil(work: unknown): void;
}

/** Calls a function and resolves with its answer. Rejects with a Fault: `function_error`, `function_bad_answer`, or what its request came to. */
export type Run = (invocation: Invocation) => Promise<WebResponse>;
