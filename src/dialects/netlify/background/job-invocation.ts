import { Readable } from 'node:stream';
import { Fault } from '../../../contract/fault.ts';
import type { JobAttempt } from '../../../contract/job-rule.ts';
import type { Log } from '../../../contract/log.ts';
import { PendingWork } from '../../../contract/pending-work.ts';
import type { Params } from '../../../contract/target.ts';
import { HOP_BY_HOP, withoutNames } from '../../../http/headers.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { addClientHeaders } from '../call/client-headers.ts';
import type { Invocation, Run } from '../call/invocation.ts';
import type { StoredRequest } from './stored-request.ts';

export interface JobInvocationParts {
  readonly stored: StoredRequest;
  readonly attempt: Pick<JobAttempt, 'id' | 'number' | 'signal'>;
  /** Milliseconds from now; 0: no limit. The caller that made the attempt enforces it. */
  readonly timeoutMs: number;
  /** The file of the function, relative to the site; written to the log. */
  readonly file: string;
  readonly log: Log;
}

/**
 * These headers let a function recognise a job that it has seen before: a job runs at least once.
 */
const JOB_ID = 'x-nexthop-job-id';
const JOB_ATTEMPT = 'x-nexthop-job-attempt';
const JOB_HEADERS: ReadonlySet<string> = new Set([JOB_ID, JOB_ATTEMPT]);

/** The call of a function by a job. No client waits for the response. */
export class JobInvocation implements Invocation {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly trustedHeaders: readonly string[];
  readonly clientAddress: string;
  readonly trusted: boolean;
  readonly requestId: string;
  readonly jobId: string;
  readonly params: Params;
  readonly route: string | undefined;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly #body: Buffer;
  readonly #file: string;
  readonly #pendingWork: PendingWork;
  #request: Request | undefined;

  constructor({ stored, attempt, timeoutMs, file, log }: JobInvocationParts) {
    this.method = stored.method;
    this.url = stored.url;
    this.rawHeaders = [
      ...withoutNames(stored.rawHeaders, JOB_HEADERS),
      ...[JOB_ID, attempt.id, JOB_ATTEMPT, String(attempt.number)],
    ];
    this.trustedHeaders = stored.trusted ? this.rawHeaders : [];
    this.clientAddress = stored.clientAddress;
    this.trusted = stored.trusted;
    this.requestId = stored.requestId;
    this.jobId = attempt.id;
    this.params = stored.params;
    this.route = stored.route;
    this.signal = attempt.signal;
    this.deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    this.#body = stored.body;
    this.#file = file;
    this.#pendingWork = new PendingWork((error) =>
      log.error('work given to waitUntil failed', { target: file, job: attempt.id, error }),
    );
  }

  get request(): Request {
    this.#request ??= this.#toRequest();
    return this.#request;
  }

  async readBody(): Promise<Buffer> {
    return this.#body;
  }

  waitUntil(work: unknown): void {
    this.#pendingWork.add(work, this.#file);
  }

  /**
   * Resolves when all work given to `waitUntil` has settled. The work shares the time limit of the
   * attempt. If it fails, the attempt does not fail.
   */
  settled(): Promise<void> {
    return this.#pendingWork.settled();
  }

  #toRequest(): Request {
    const { method, url, signal } = this;
    const mayHaveBody = method !== 'GET' && method !== 'HEAD' && this.#body.length > 0;
    try {
      const headers = new Headers();
      for (let at = 0; at < this.rawHeaders.length; at += 2) {
        const name = this.rawHeaders[at] as string; // pairs
        // Hop-by-hop headers describe the original connection, which is closed (RFC 9110, 7.6.1).
        if (!HOP_BY_HOP.has(name.toLowerCase())) headers.append(name, this.rawHeaders[at + 1] as string);
      }
      addClientHeaders(headers, this);
      return new Request(url, { method, headers, signal, ...(mayHaveBody && { body: new Uint8Array(this.#body) }) });
    } catch (cause) {
      throw new Fault('bad_request', {
        message: `the stored request cannot become a Request: ${method} ${url}`,
        cause,
      });
    }
  }
}

/**
 * Calls a function and discards its response. Resolves when the function has returned and its
 * `waitUntil` work has settled. Rejects with the error that the function threw.
 */
export async function runJob(run: Run, invocation: JobInvocation): Promise<void> {
  try {
    discard(await run(invocation));
  } catch (error) {
    // The return value is ignored here, so an invalid one is no failure.
    if (!(error instanceof Fault && error.code === 'function_bad_answer')) throw error;
  } finally {
    await invocation.settled();
  }
}

/** Stops the producer of the body. */
function discard({ body }: WebResponse): void {
  if (body instanceof Readable) body.destroy();
  // No caller could handle an error of the function's cancel().
  else if (body instanceof ReadableStream && !body.locked) body.cancel().catch(() => {});
}
