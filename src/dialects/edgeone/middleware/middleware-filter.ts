import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Log } from '../../../contract/log.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { HOP_BY_HOP } from '../../../http/headers.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { TextResponse } from '../../../http/text-response.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { type Continuation, isMark, readContinuation } from './continuation.ts';
import { MiddlewareBody } from './middleware-body.ts';
import { MiddlewareContext } from './middleware-context.ts';
import type { MiddlewareMatcher } from './middleware-matcher.ts';

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
 * Calls the site's middleware, which answers, or lets the request go on with other fields or for another path. As on the platform it is open when
 * it fails: a middleware that throws, or returns nothing that can be used, is told of in the log, and the request goes on as if it were not there.
 */
export class MiddlewareFilter implements Target {
  readonly name: string;
  readonly #parts: MiddlewareFilterParts;

  constructor(parts: MiddlewareFilterParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { middleware, matcher, env, limits, name: file } = this.#parts;
    removeMarks(exchange);
    if (!matcher.matches(exchange.target)) return 'passed';
    const body = new MiddlewareBody(exchange);
    const context = new MiddlewareContext({ exchange, body, env, file });
    let result: unknown;
    try {
      result = await limits.inTime(exchange, Promise.resolve(middleware(context)));
    } catch (cause) {
      // A body that is too large, or the end of its time, is an answer of its own.
      if (cause instanceof Fault) throw cause;
      // It asked for the end of the process, and the client was told.
      if (exchange.isCallEnded) return 'answered';
      this.#goOnAfter('threw', exchange, cause);
      if (!body.giveBack()) throw new Fault('function_error', { message: `${file} read the body, and threw`, cause });
      return 'passed';
    }
    const response = isWebResponse(result) ? result : undefined;
    const continuation = response && readContinuation(response);
    if (response && !continuation) {
      await writeWebResponse(exchange, withoutMarks(response));
      return 'answered';
    }
    if (!body.giveBack()) {
      throw new Fault('function_bad_answer', {
        message: `${file} read the body of a request and passed it on; read request.clone() in the function instead`,
      });
    }
    if (response && continuation) this.#pass(exchange, continuation, response);
    else if (result !== undefined && result !== null) {
      this.#goOnAfter(`returned a ${typeof result} that is no Response`, exchange);
    }
    return 'passed';
  }

  #goOnAfter(what: string, exchange: Exchange, error?: unknown): void {
    this.#parts.log.error(`the middleware ${what}; the request goes on without it`, {
      ...this.#whichIs(exchange),
      ...(error !== undefined && { error }),
    });
  }

  #pass(exchange: Exchange, { rewrite, requestHeaders }: Continuation, response: WebResponse): void {
    const ignored = [...patchRequest(exchange.request, requestHeaders)];
    const fields: (readonly [string, string])[] = [];
    // The constructor has added it for a text, as in `new Response(await r.text(), r)`: the middleware says nothing of the type.
    const addedType = TextResponse.holdsText(response) ? 'text/plain;charset=UTF-8' : undefined;
    for (const [name, value] of response.headers) {
      const lowerName = name.toLowerCase();
      if (isMark(lowerName) || (lowerName === 'content-type' && value === addedType)) continue;
      if (HOP_BY_HOP.has(lowerName) || OF_BODY.has(lowerName)) ignored.push(name);
      else fields.push([name, value]);
    }
    if (fields.length > 0) overlayAnswer(exchange, { fields });
    if (ignored.length > 0) {
      const what = 'fields of the connection and the body are not taken from the middleware';
      this.#parts.log.warn(what, { ...this.#whichIs(exchange), fields: ignored });
    }
    if (rewrite !== undefined) exchange.rewrite(toTarget(rewrite, exchange));
  }

  #whichIs(exchange: Exchange): Record<string, unknown> {
    const { request, askedTarget, requestId } = exchange;
    return { target: this.name, request: `${request.method} ${askedTarget}`, request_id: requestId.value };
  }
}

/** They describe the bytes of the real answer. */
const OF_BODY: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'date']);

/** What a client says in these headers is for nobody: neither the middleware, which may copy them, nor another server. */
function removeMarks({ request }: Exchange): void {
  const { rawHeaders } = request;
  const marks = rawHeaders.filter((name, at) => at % 2 === 0 && isMark(name));
  if (marks.length > 0)
    patchRequest(
      request,
      marks.map((name) => [name, undefined]),
    );
}

/** An answer, in which marks such as `x-middleware-next: 0` say nothing. */
function withoutMarks(response: WebResponse): WebResponse {
  const headers = [...response.headers];
  if (!headers.some(([name]) => isMark(name))) return response;
  const { status, statusText = '', body, bodyUsed } = response;
  return { status, statusText, headers: headers.filter(([name]) => !isMark(name)), body, bodyUsed, copyOf: response };
}

/** Throws `function_bad_answer` for another origin: nexthop asks nobody but its one next hop. */
function toTarget(url: string, { client, request, target }: Exchange): string {
  const base = `${client.proto}://${request.headers.host ?? 'localhost'}${target}`;
  const { host, pathname, search } = URL.parse(url, base) ?? {};
  if (host === undefined || host !== URL.parse(base)?.host) {
    const message = `the middleware rewrote to ${JSON.stringify(url)}: only paths of this host can be asked for`;
    throw new Fault('function_bad_answer', { message });
  }
  return `${pathname}${search}`;
}
