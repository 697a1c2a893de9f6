import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { JobIntake } from '../../../contract/job-rule.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { ExchangeInvocation } from '../call/exchange-invocation.ts';
import type { Invocation } from '../call/invocation.ts';
import type { Platform } from '../call/platform.ts';
import { toStoredBytes } from './stored-request.ts';

export interface BackgroundTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  /** The name of the rule under which the job is stored. */
  readonly rule: string;
  /** Undefined if this process runs no functions. */
  readonly jobs: Pick<JobIntake, 'push'> | undefined;
  /** Largest body that is stored, in bytes; 0: no separate limit. */
  readonly bodyLimitBytes: number;
  /** The pattern of its route; undefined on the default URL. */
  readonly route: string | undefined;
  readonly platform: Pick<Platform, 'requestIds'>;
}

/** A background function. Stores the request as a job and responds with 202. */
export class BackgroundTarget implements Target {
  readonly name: string;
  readonly #parts: BackgroundTargetParts;

  constructor(parts: BackgroundTargetParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  /**
   * Responds with 202 after the job is stored. Throws `body_too_large` before storing, and
   * `store_unavailable` if storing fails.
   */
  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const { name: file, rule, jobs, bodyLimitBytes, route, platform } = this.#parts;
    const requestId = platform.requestIds.of(exchange);
    const invocation = new ExchangeInvocation({ exchange, params, route, requestId, timeoutMs: 0, file });
    if (!jobs) throw new Fault('store_unavailable', { message: `there is no queue for the jobs of ${this.name}` });
    exchange.limitBody(bodyLimitBytes);
    if (!URL.canParse(invocation.url)) {
      throw new Fault('bad_request', { message: `Host and target make no URL: ${invocation.url}` });
    }
    const body = await invocation.readBody();
    // The job is also stored if the client has disconnected by now: the request is complete, and
    // many clients do not wait for the response.
    await jobs.push(rule, toStoredBytes(toStoredRequest(invocation, body)));
    await writeWebResponse(exchange, ACCEPTED);
    return 'answered';
  }
}

const ACCEPTED: WebResponse = Object.freeze({ status: 202, headers: [], body: null, bodyUsed: false });

function toStoredRequest(
  { method, url, rawHeaders, clientAddress, trusted, requestId, params, route }: Invocation,
  body: Buffer,
) {
  return { method, url, rawHeaders, clientAddress, trusted, requestId, params, route, body };
}
