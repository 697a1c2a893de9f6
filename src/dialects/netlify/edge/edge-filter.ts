import type { AsyncLocalStorage } from 'node:async_hooks';
import type { CacheRule, WithCache } from '../../../contract/cache.ts';
import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { findHeader } from '../../../contract/header-list.ts';
import { isPromise } from '../../../contract/is-promise.ts';
import { ValueKey } from '../../../contract/kept-values.ts';
import type { Log } from '../../../contract/log.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import { namesTag } from '../../../http/entity-tags.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { RestResponse } from '../../../http/rest-response.ts';
import { writeFilterResponse } from '../../../http/rest-run.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import { type Context, toContext } from '../call/context.ts';
import type { CookieJar } from '../call/cookies.ts';
import { ExchangeInvocation } from '../call/exchange-invocation.ts';
import { toCountryFinder } from '../call/geo.ts';
import type { Platform } from '../call/platform.ts';
import { type RequestState, requestStore } from '../call/request-store.ts';
import { EdgeCall } from './edge-call.ts';
import type { EdgeMatcher } from './edge-matcher.ts';
import type { EdgeRule } from './edge-rule.ts';

export type EdgeHandler = (request: Request, context: EdgeContext) => unknown;

/** The second argument of an edge function. */
export interface EdgeContext extends Omit<Context, 'next' | 'rewrite'> {
  next: EdgeCall['next'];
  rewrite: EdgeCall['rewrite'];
}

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
  readonly done: ValueKey<true>;
  readonly log: Log;
  /** The cache that stands in front of it. Undefined: it gets every request. */
  readonly withCache?: WithCache | undefined;
}

/**
 * Calls an edge function for the requests that match. It answers with a Response, or lets the request go on by returning nothing or a URL of the site; or it
 * runs the rest of the path by `context.next()` and changes the response.
 *
 * With a cache in front of it, what the function makes is stored if its headers allow that; what it only passes on is not, because it may be meant for one client.
 */
export class EdgeFilter implements Target {
  readonly name: string;
  /** The cache makes the span of a call. */
  readonly isTraced: boolean;
  readonly #parts: EdgeFilterParts;
  readonly #store: AsyncLocalStorage<RequestState>;
  readonly #cached: Target | undefined;
  /** With a cache: exchanges of clients, and those whose response the function has made. */
  readonly #direct = new ValueKey<true>();
  readonly #own = new ValueKey<true>();
  /** Which reading of its path the function sees, if it is not the path as received. */
  readonly #path = new ValueKey<string>();

  constructor(parts: EdgeFilterParts) {
    const { name, platform, withCache } = parts;
    this.name = name;
    this.isTraced = withCache !== undefined;
    this.#parts = parts;
    this.#store = requestStore();
    const target: Target = { name, answer: (exchange, params) => this.#call(exchange, params) };
    this.#cached = withCache?.(target, toCacheRule(platform, this.#own));
  }

  answer(exchange: Exchange): Answer {
    const { matcher, done } = this.#parts;
    if (exchange.kept.get(done)) return 'passed';
    const match = matcher.match(exchange);
    if (!match) return 'passed';
    if (match.path !== undefined) exchange.kept.set(this.#path, match.path);
    if (!this.#cached) return this.#call(exchange, match.params);
    exchange.kept.set(this.#direct, true);
    return this.#cached.answer(exchange, match.params);
  }

  describe(asked: AskedRequest): Effect | undefined {
    return this.#parts.matcher.describe(asked);
  }

  #call(exchange: Exchange, params: Params): Promise<Outcome> {
    const { name: file, rule, platform, timeoutMs, done } = this.#parts;
    const requestId = exchange.platformId?.value ?? platform.requestIds.of(exchange);
    const path = exchange.kept.get(this.#path);
    const route = rule.text;
    const invocation = new ExchangeInvocation({ exchange, params, route, requestId, timeoutMs, path, file });
    const { context: shared, jar } = toValidContext(invocation, platform);
    const call = new EdgeCall({ exchange, invocation, url: shared.url.href, headers: invocation.received, done });
    const context = shared as unknown as EdgeContext; // with its own two members
    context.next = call.next;
    context.rewrite = call.rewrite;
    // A body of a response may be made while it is written, so writing is part of the call.
    return this.#store.run({ context: shared, invocation }, () => this.#serve({ exchange, call, jar }, context));
  }

  async #serve(served: Served, context: EdgeContext): Promise<Outcome> {
    const { exchange, call } = served;
    const { limits, handler } = this.#parts;
    exchange.noteRun();
    try {
      const result = handler(call.request, context);
      const settled = isPromise(result) ? await limits.inTime(exchange, result) : result;
      const answer = this.#settle(served, settled);
      // A promise is awaited here alone, so that what it rejects with is caught.
      return answer instanceof Promise ? await answer : answer;
    } catch (cause) {
      return await this.#recover(served, cause);
    } finally {
      // It may still run, after a time limit.
      call.end();
      call.release();
    }
  }

  #settle(served: Served, result: unknown): Answer {
    if (isWebResponse(result)) return this.#write(served, result);
    if (result instanceof URL)
      return this.#isCaptured(served) ? this.#runRest(served, result) : this.#rewrite(served, result);
    if (result === undefined)
      return this.#isCaptured(served) && !served.call.running ? this.#runRest(served) : this.#goOn(served);
    const what = result === null ? 'null' : typeof result;
    throw new TypeError(`${this.name} must return a Response, a URL or nothing, got ${what}`);
  }

  /** The cache keeps the response, so the rest of the path cannot answer the client itself. */
  #isCaptured({ exchange }: Served): boolean {
    return this.#cached !== undefined && !exchange.kept.get(this.#direct);
  }

  async #runRest(served: Served, url?: URL | string): Promise<Outcome> {
    const { call } = served;
    const rest = await (url === undefined ? call.next() : call.rewrite(url));
    return this.#write(served, rest as unknown as WebResponse);
  }

  #write(served: Served, result: WebResponse): Answer {
    const { call } = served;
    call.end();
    const { running } = call;
    if (!running || running.response) return this.#writeWith(served, result, running?.response);
    return running.settled.then((rest) => this.#writeWith(served, result, rest));
  }

  #writeWith({ exchange, call, jar }: Served, result: WebResponse, rest: RestResponse | undefined): Answer {
    if (this.#cached && isOwn(result, rest)) exchange.kept.set(this.#own, true);
    const cookies = jar.toSetCookieValues();
    if (rest && (result as unknown) === rest) for (const value of cookies) rest.headers.append('set-cookie', value);
    const cooked = rest && (result as unknown) === rest ? result : withCookies(result, cookies);
    const response = call.hasHeldConditions && isUnchanged(exchange, cooked) ? toUnchanged(cooked) : cooked;
    if (rest) return writeFilterResponse(exchange, response, rest);
    return writeWebResponse(exchange, response);
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
    if (call.running) return this.#write(served, (await call.running.settled) as unknown as WebResponse);
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
  async #recover(served: Served, cause: unknown): Promise<Outcome> {
    const { exchange, call } = served;
    if (cause instanceof Fault) throw cause;
    if (exchange.isCallEnded) return 'answered';
    const { rule, log } = this.#parts;
    const isUntouched = call.body.release() && !call.running;
    const fault = new Fault('function_error', { cause });
    const mayBypass = rule.onError === 'bypass' && (isUntouched || call.running);
    if (!mayBypass && !(rule.onError.startsWith('/') && isUntouched)) throw fault;
    exchange.runs?.failed(exchange.route, fault);
    log.error(`an edge function failed; its onError is ${rule.onError}`, {
      target: this.name,
      request_id: exchange.requestId.value,
      error: cause,
    });
    if (isUntouched && this.#isCaptured(served))
      return this.#runRest(served, rule.onError === 'bypass' ? undefined : rule.onError);
    call.end();
    const rest = await call.running?.settled;
    if (rest) return writeFilterResponse(exchange, rest as unknown as WebResponse, rest);
    if (rule.onError !== 'bypass') this.#leave(exchange, rule.onError);
    return 'passed';
  }

  /** The rest of the path is for another target, and edge functions do not see it. */
  #leave(exchange: Exchange, target: string): void {
    exchange.rewrite(target);
    exchange.kept.set(this.#parts.done, true);
  }
}

/** Throws `bad_request` if Host and target form no URL. */
function toValidContext(...[invocation, platform]: Parameters<typeof toContext>): ReturnType<typeof toContext> {
  try {
    return toContext(invocation, platform);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('bad_request', { message: `Host and target must form a URL, got ${invocation.url}`, cause });
  }
}

interface Served {
  readonly exchange: Exchange;
  readonly call: EdgeCall;
  readonly jar: CookieJar;
}

function toCacheRule({ mockCountry }: Platform, own: ValueKey<true>): CacheRule {
  return {
    fields: 'all',
    names: 'netlify',
    readsExpires: true,
    ignoresDurable: true,
    isOwn: (exchange) => exchange.kept.get(own) === true,
    findCountry: toCountryFinder(mockCountry),
  };
}

const CACHE_FIELDS = ['netlify-cdn-cache-control', 'cdn-cache-control', 'cache-control', 'expires'] as const;

/** Whether the function has made the response, or said about the one that it got how it is stored. */
function isOwn(result: WebResponse, rest: RestResponse | undefined): boolean {
  if (!rest || (result as unknown) !== rest) return true;
  const { headers } = RestResponse.answerOf(rest).captured;
  const sent = RestResponse.toSentHeaders(rest);
  return CACHE_FIELDS.some((name) => findHeader(headers, name) !== findHeader(sent, name));
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
