import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Log } from '../../../contract/log.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { namesTag } from '../../../http/entity-tags.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { writeFilterResponse } from '../../../http/rest-run.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { type Context, toContext } from '../call/context.ts';
import type { CookieJar } from '../call/cookies.ts';
import { ExchangeInvocation } from '../call/exchange-invocation.ts';
import type { Platform } from '../call/platform.ts';
import { type RequestState, requestStore } from '../call/request-store.ts';
import { EdgeCall } from './edge-call.ts';
import type { EdgeMatcher } from './edge-matcher.ts';
import type { EdgeRule } from './edge-rule.ts';

export type EdgeHandler = (request: Request, context: EdgeContext) => unknown;

/** The second argument of an edge function. */
export type EdgeContext = Omit<Context, 'next' | 'rewrite'> & Pick<EdgeCall, 'next' | 'rewrite'>;

export interface EdgeFilterParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handler: EdgeHandler;
  readonly rule: Pick<EdgeRule, 'text' | 'onError'>;
  readonly matcher: EdgeMatcher;
  readonly limits: FunctionLimits;
  readonly timeoutMs: number;
  readonly platform: Platform;
  /** Exchanges that edge functions do not see any more, because one of them has rewritten the path. */
  readonly done: WeakSet<Exchange>;
  readonly log: Log;
}

/**
 * Calls an edge function for the requests that match. It answers with a Response, or lets the request go on by returning nothing or a URL of the site; or it
 * runs the rest of the path by `context.next()` and changes the response.
 */
export class EdgeFilter implements Target {
  readonly name: string;
  readonly #parts: EdgeFilterParts;
  readonly #store: AsyncLocalStorage<RequestState>;

  constructor(parts: EdgeFilterParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#store = requestStore();
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { matcher, done } = this.#parts;
    if (done.has(exchange)) return 'passed';
    const params = matcher.match(exchange);
    return params ? this.#call(exchange, params) : 'passed';
  }

  async #call(exchange: Exchange, params: Params): Promise<Outcome> {
    const { name: file, rule, platform, timeoutMs, limits, handler, done } = this.#parts;
    const requestId = exchange.platformId?.value ?? platform.requestIds.of(exchange);
    const invocation = new ExchangeInvocation({ exchange, params, route: rule.text, requestId, timeoutMs, file });
    const call = new EdgeCall(exchange, invocation, done);
    const { context: shared, jar } = toContext(invocation, platform);
    const context: EdgeContext = Object.assign(shared, { next: call.next, rewrite: call.rewrite });
    // A body of a response may be made while it is written, so writing is part of the call.
    return this.#store.run({ context: shared, invocation }, async () => {
      const served = { exchange, call, jar };
      try {
        const result = await limits.inTime(exchange, callOf(handler, call.request, context));
        return await this.#settle(served, result);
      } catch (cause) {
        return await this.#recover(served, cause);
      } finally {
        call.release();
      }
    });
  }

  #settle(served: Served, result: unknown): Promise<Outcome> | Outcome {
    if (isWebResponse(result)) return this.#write(served, result);
    if (result instanceof URL) return this.#rewrite(served, result);
    if (result === undefined) return this.#goOn(served);
    const what = result === null ? 'null' : typeof result;
    throw new TypeError(`${this.name} must return a Response, a URL or nothing, got ${what}`);
  }

  async #write({ exchange, call, jar }: Served, result: WebResponse): Promise<Outcome> {
    call.end();
    const rest = await call.running;
    const cookies = jar.toSetCookieValues();
    if (rest && (result as unknown) === rest) for (const value of cookies) rest.headers.append('set-cookie', value);
    const cooked = rest && (result as unknown) === rest ? result : withCookies(result, cookies);
    const response = call.hasHeldConditions && isUnchanged(exchange, cooked) ? toUnchanged(cooked) : cooked;
    if (rest) return writeFilterResponse(exchange, response, rest);
    await writeWebResponse(exchange, response);
    return 'answered';
  }

  async #rewrite(served: Served, url: URL): Promise<Outcome> {
    const { exchange, call } = served;
    if (exchange.upgrade) {
      throw new Fault('function_bad_answer', { message: `${this.name} returned a URL for a WebSocket handshake` });
    }
    const target = call.toTarget(url);
    const outcome = await this.#goOn(served);
    this.#leave(exchange, target);
    return outcome;
  }

  async #goOn(served: Served): Promise<Outcome> {
    const { exchange, call, jar } = served;
    call.end();
    // It has run the rest, and has nothing to change about it.
    if (call.running) return this.#write(served, (await call.running) as unknown as WebResponse);
    const changes = call.changedHeaders();
    if (!call.body.release()) {
      const message = `${this.name} read the body of a request that it did not answer; return context.next(new Request(request, { body }))`;
      throw new Fault('function_bad_answer', { message });
    }
    patchRequest(exchange.request, changes);
    const headers = jar.toSetCookieValues().map((value) => ['Set-Cookie', value] as const);
    if (headers.length > 0) overlayAnswer(exchange, { headers });
    return 'passed';
  }

  /** What `onError` says. A fault of the request has its own response, and so has a call that tried to end the process. */
  async #recover({ exchange, call }: Served, cause: unknown): Promise<Outcome> {
    if (cause instanceof Fault) throw cause;
    if (exchange.isCallEnded) return 'answered';
    call.end();
    const { rule, log } = this.#parts;
    const isUntouched = call.body.release() && !call.running;
    const mayBypass = rule.onError === 'bypass' && (isUntouched || call.running);
    if (!mayBypass && !(rule.onError.startsWith('/') && isUntouched)) throw new Fault('function_error', { cause });
    log.error(`an edge function failed; its onError is ${rule.onError}`, {
      target: this.name,
      request_id: exchange.requestId.value,
      error: cause,
    });
    const rest = await call.running;
    if (rest) return writeFilterResponse(exchange, rest as unknown as WebResponse, rest);
    if (rule.onError !== 'bypass') this.#leave(exchange, rule.onError);
    return 'passed';
  }

  /** The rest of the path is for another target, and edge functions do not see it. */
  #leave(exchange: Exchange, target: string): void {
    exchange.rewrite(target);
    this.#parts.done.add(exchange);
  }
}

/** Rejects with what the handler throws, also before its first await. */
async function callOf(handler: EdgeHandler, request: Request, context: EdgeContext): Promise<unknown> {
  return handler(request, context);
}

interface Served {
  readonly exchange: Exchange;
  readonly call: EdgeCall;
  readonly jar: CookieJar;
}

/** A copy with cookies: the headers of a `fetch` response cannot be changed. */
function withCookies(response: WebResponse, cookies: readonly string[]): WebResponse {
  if (cookies.length === 0) return response;
  const { status, statusText = '', body, bodyUsed } = response;
  const added = cookies.map((value) => ['set-cookie', value] as const);
  return { status, statusText, headers: [...response.headers, ...added], body, bodyUsed, copyOf: response };
}

/** Whether the client has this response already: its own conditions were not sent on (RFC 9110 13.1.2, 13.1.3). */
function isUnchanged({ request }: Exchange, { status, headers }: WebResponse): boolean {
  if (status !== 200) return false;
  const fields = new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]));
  const ifNoneMatch = request.get('if-none-match');
  if (ifNoneMatch !== undefined) {
    const etag = fields.get('etag')?.replace(/^W\//, '');
    return etag !== undefined && namesTag(ifNoneMatch, etag, 'weak');
  }
  const modifiedMs = Date.parse(fields.get('last-modified') ?? '');
  return modifiedMs <= Date.parse(request.get('if-modified-since') ?? '');
}

const OF_CONTENT: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
]);

function toUnchanged({ headers }: WebResponse): WebResponse {
  const kept = [...headers].filter(([name]) => !OF_CONTENT.has(name.toLowerCase()));
  return { status: 304, headers: kept, body: null, bodyUsed: false };
}
