import { type AskedRequest, type Effect, RUNS_FIRST, toSkipped } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { isPromise } from '../../../contract/is-promise.ts';
import type { Log } from '../../../contract/log.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { FilterBody } from '../../../http/filter-body.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { HOP_BY_HOP } from '../../../http/headers.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { TextResponse } from '../../../http/text-response.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { type Continuation, isMark, readContinuation } from './continuation.ts';
import { MiddlewareContext } from './middleware-context.ts';
import type { MiddlewareMatcher } from './middleware-matcher.ts';
import { isUntouchedNext } from './middleware-response.ts';

export interface MiddlewareFilterParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly middleware: (context: MiddlewareContext) => unknown;
  readonly matcher: MiddlewareMatcher;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits: FunctionLimits;
  readonly log: Log;
}

/**
 * Calls the site's middleware, which answers the request, or lets it continue with other headers or
 * another path. One that returns nothing lets it continue unchanged. As on the platform, so does one
 * that throws or returns another value than a Response; that is logged as an error.
 */
export class MiddlewareFilter implements Target {
  readonly name: string;
  readonly #parts: MiddlewareFilterParts;

  constructor(parts: MiddlewareFilterParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  describe({ target }: AskedRequest): Effect {
    const { matcher } = this.#parts;
    return matcher.matches(target) ? RUNS_FIRST : toSkipped(`its matcher is ${matcher.text}`);
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { middleware, matcher, env, limits, name: file } = this.#parts;
    removeMarks(exchange);
    if (!matcher.matches(exchange.target, exchange.kept)) return 'passed';
    const body = new FilterBody(exchange);
    const path = matcher.readingOf(exchange.target, exchange.kept);
    const context = new MiddlewareContext({ exchange, body, env, path, file });
    let result: unknown;
    exchange.noteRun();
    try {
      const given = middleware(context);
      result = isPromise(given) ? await limits.inTime(exchange, given) : given;
    } catch (cause) {
      // Its own response: the body is too large, or the time limit is exceeded.
      if (cause instanceof Fault) throw cause;
      // It called `process.exit`, and the request was answered with 500.
      if (exchange.isCallEnded) return 'answered';
      this.#logFailure('threw', exchange, cause);
      const fault = new Fault('function_error', { message: `${file} read the body and then threw`, cause });
      exchange.runs?.failed(exchange.route, fault);
      if (!body.release()) throw fault;
      return 'passed';
    }
    // Only returned by code: nothing has changed what it says.
    const isUntouched = isUntouchedNext(result);
    const response = !isUntouched && isWebResponse(result) ? result : undefined;
    const continuation = response && readContinuation(response);
    if (response && !continuation) {
      await writeWebResponse(exchange, withoutMarks(response));
      return 'answered';
    }
    if (!body.release()) {
      throw new Fault('function_bad_answer', {
        message: `${file} read the body of a request that it did not answer; read the body in the function instead`,
      });
    }
    if (response && continuation) this.#pass(exchange, continuation, response);
    else if (!isUntouched && result !== undefined && result !== null) {
      this.#logFailure(`returned a value of type ${typeof result} instead of a Response`, exchange);
    }
    return 'passed';
  }

  #logFailure(what: string, exchange: Exchange, error?: unknown): void {
    this.#parts.log.error(`the middleware ${what}; the request continues without it`, {
      ...this.#describe(exchange),
      ...(error !== undefined && { error }),
    });
  }

  #pass(exchange: Exchange, { rewrite, requestHeaders }: Continuation, response: WebResponse): void {
    const ignored = [...patchRequest(exchange.request, requestHeaders)];
    const headers: (readonly [string, string])[] = [];
    // Added by the constructor for a text body, as in `new Response(await r.text(), r)`, not by the
    // middleware.
    const addedType = TextResponse.holdsText(response) ? 'text/plain;charset=UTF-8' : undefined;
    for (const [name, value] of response.headers) {
      const lowerName = name.toLowerCase();
      if (isMark(lowerName) || (lowerName === 'content-type' && value === addedType)) continue;
      if (HOP_BY_HOP.has(lowerName) || OF_BODY.has(lowerName)) ignored.push(name);
      else headers.push([name, value]);
    }
    if (headers.length > 0) overlayAnswer(exchange, { headers });
    if (ignored.length > 0) {
      const what =
        'headers that describe the connection or the body are not taken from the middleware; let it set only others';
      this.#parts.log.warn(what, { ...this.#describe(exchange), headers: ignored });
    }
    if (rewrite !== undefined) exchange.rewrite(toTarget(rewrite, exchange));
  }

  #describe(exchange: Exchange): Record<string, unknown> {
    const { request, askedTarget, requestId } = exchange;
    return { target: this.name, request: `${request.method} ${askedTarget}`, request_id: requestId.value };
  }
}

/** Headers that describe the body of the actual response. */
const OF_BODY: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'date']);

/**
 * Removes mark headers that the client sent: the middleware could copy them to its Response, and a
 * server after it could obey them.
 */
function removeMarks({ request }: Exchange): void {
  const { unknownNames } = request;
  if (unknownNames !== undefined && !unknownNames.some(isMark)) return;
  const marks = request.headers.filter((name, at) => at % 2 === 0 && isMark(name));
  if (marks.length > 0)
    patchRequest(
      request,
      marks.map((name) => [name, undefined]),
    );
}

/** Removes marks without effect, such as `x-middleware-next: 0`, from an answer. */
function withoutMarks(response: WebResponse): WebResponse {
  const headers = [...response.headers];
  if (!headers.some(([name]) => isMark(name))) return response;
  const { status, statusText = '', body, bodyUsed } = response;
  return { status, statusText, headers: headers.filter(([name]) => !isMark(name)), body, bodyUsed, copyOf: response };
}

/** Throws `function_bad_answer` for another host: nexthop forwards to its one next hop only. */
function toTarget(url: string, { client, request, target }: Exchange): string {
  const base = `${client.proto}://${request.host ?? 'localhost'}${target}`;
  const { host, pathname, search } = URL.parse(url, base) ?? {};
  if (host === undefined || host !== URL.parse(base)?.host) {
    const message = `the middleware rewrote to ${JSON.stringify(url)}: the URL must have the host of the request`;
    throw new Fault('function_bad_answer', { message });
  }
  return `${pathname}${search}`;
}
