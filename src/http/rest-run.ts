import type { AnswerListener } from '../contract/answer-listener.ts';
import { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { findHeader } from '../contract/header-list.ts';
import type { HostServer } from '../contract/host-server.ts';
import type { Answer, Outcome } from '../contract/target.ts';
import { CapturedResponse, type CaptureOwner } from './captured-response.ts';
import { shareGuardedPaths } from './guarded-paths.ts';
import { InnerRequest, type RequestChanges } from './inner-request.ts';
import { noteAnswer } from './note-answer.ts';
import { overlayAnswer } from './overlay-response.ts';
import { toPassedAnswer } from './passed-answer.ts';
import { type CapturedAnswer, RestResponse, toWeakTag } from './rest-response.ts';
import { TextResponse } from './text-response.ts';
import { writeWebResponse } from './web-response.ts';
import type { WebResponse } from './web-response-head.ts';

/** What a filter has run. */
export interface Rest {
  /**
   * Resolves with the response as soon as its head is there; a fault is an error response, as a client would get it. Rejects with `client_left` if the client
   * leaves before.
   */
  readonly settled: Promise<RestResponse>;
  /** The same response, once it is there: to wait for a promise that has settled costs a turn of the microtasks. */
  readonly response: RestResponse | undefined;
}

/**
 * Runs what follows the filter that is called for `exchange`: further filters, routes, the fallback. At most once for a call of a filter,
 * which then ends with `writeFilterResponse` in any case. `prepare` gets the inner exchange before it is run.
 *
 * Two responses cannot be captured: that of a WebSocket handshake, and that of the host's `next`. The filter gets an empty response with status 200 for them, and
 * the path goes on when it returns this response or one with its body.
 */
export function runRest(exchange: Exchange, changes?: RequestChanges, prepare?: (inner: Exchange) => void): Rest {
  const run = new RestRun(exchange, changes);
  prepare?.(run.inner);
  run.start();
  return run;
}

/**
 * Sends the Response of a filter that has run the rest of the path. The outcome is 'passed' if the path of a handshake goes on. If the response is `rest` and nothing has looked at its body, head and content are sent as
 * they were captured, but for the headers that the filter has changed. Otherwise see `writeWebResponse`.
 */
export function writeFilterResponse(exchange: Exchange, response: WebResponse, rest: RestResponse): Answer {
  let written: Answer = 'answered';
  try {
    written = write(exchange, response, rest);
  } finally {
    if (!(written instanceof Promise)) RestResponse.release(rest);
  }
  return written instanceof Promise ? written.finally(() => RestResponse.release(rest)) : written;
}

function write(exchange: Exchange, response: WebResponse, rest: RestResponse): Answer {
  if (RestResponse.isHandedOn(rest, response)) return goOn(exchange, rest);
  if ((response as unknown) !== rest) return writeWebResponse(exchange, withFittingHeaders(exchange, response, rest));
  const passed = RestResponse.isBodyUnread(rest) && toPassedAnswer(exchange, rest);
  copyFacts(exchange, RestResponse.answerOf(rest));
  if (!passed) return writeWebResponse(exchange, response);
  passed.send();
  return 'answered';
}

class RestRun implements Rest, CapturedAnswer, AnswerListener, CaptureOwner {
  readonly inner: Exchange;
  readonly captured: CapturedResponse;
  readonly settled: Promise<RestResponse>;
  response: RestResponse | undefined;
  readonly #outer: Exchange;
  #resolve!: (response: RestResponse) => void;
  #reject!: (fault: Fault) => void;

  constructor(outer: Exchange, changes: RequestChanges | undefined) {
    const { client, requestId, pendingWork, startedAtMs, bodyLimitBytes, locals, target } = outer;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const request = changes ? new InnerRequest(outer.request, changes) : outer.request;
    const captured = new CapturedResponse(this);
    const inner = new Exchange({
      request,
      response: captured,
      client,
      requestId,
      pendingWork,
      startedAtMs,
      onClosed: nothing,
    });
    inner.target = changes?.target ?? target;
    inner.bodyLimitBytes = bodyLimitBytes;
    inner.locals = locals;
    inner.platformId = outer.platformId;
    inner.dueLimits = outer.dueLimits;
    inner.runs = outer.runs;
    shareGuardedPaths(outer.kept, inner.kept);
    this.inner = inner;
    this.captured = captured;
    this.#outer = outer;
    captured.listen(inner);
  }

  start(): void {
    const outer = this.#outer;
    const { inner, captured } = this;
    outer.listen(this);
    if (outer.upgrade) {
      captured.hand();
      return;
    }
    if (!outer.rest) throw new Error('the rest of a path was run by code that is no filter');
    if (outer.hostServer) inner.hostServer = new HandedHost(outer.hostServer, captured);
    outer.rest.answer(inner);
  }

  headCaptured(): void {
    this.response = new RestResponse(this);
    this.#resolve(this.response);
  }

  cut(): void {
    const { inner } = this;
    const message = `${inner.answeredBy} ended its connection before it had written the head of a response`;
    const isLeft = inner.left || this.#outer.left;
    // A filter that waits for something else before it waits for this must not leave a rejection that nothing handles: it would end a host server.
    this.settled.catch(nothing);
    this.#reject(inner.fault ?? (isLeft ? new Fault('client_left') : new Fault('function_error', { message })));
  }

  clientLeft(): void {
    this.captured.abort();
  }

  drained(): void {
    this.captured.drained();
  }

  clientEnded(): void {
    if (this.inner.endsWithClient) this.#outer.response.abort();
    else this.captured.clientEnded();
  }
}

/** The host's `next` is called when the filter has decided. */
class HandedHost implements HostServer {
  readonly hasNext: boolean;
  readonly #host: HostServer;
  readonly #captured: CapturedResponse;

  constructor(host: HostServer, captured: CapturedResponse) {
    this.hasNext = host.hasNext;
    this.#host = host;
    this.#captured = captured;
  }

  takeBack(): void {
    if (this.hasNext) this.#captured.hand();
    else this.#host.takeBack();
  }
}

function nothing(): void {}

/** Another server writes the response, with the headers that the filter has set. */
function goOn(exchange: Exchange, rest: RestResponse): Outcome {
  const { inner } = RestResponse.answerOf(rest);
  const headers = RestResponse.changedHeaders(rest);
  if (headers.length > 0) overlayAnswer(exchange, { headers });
  if (inner.target !== exchange.target) exchange.rewrite(inner.target);
  if (inner.request !== exchange.request) exchange.request.replaceHeaders(inner.request.headers);
  if (exchange.upgrade) return 'passed';
  exchange.hostServer?.takeBack();
  return 'answered';
}

/** Facts about what answered, for rules of the site and the access line. */
function copyFacts(exchange: Exchange, { inner, captured }: CapturedAnswer): void {
  exchange.route = inner.route;
  exchange.step = inner.step;
  exchange.answeredBy = inner.answeredBy;
  exchange.isFile = inner.isFile;
  noteAnswer(exchange, inner, captured.headers);
}

/** The response without headers that describe the body of `rest`, if its body is another one. */
function withFittingHeaders({ request }: Exchange, response: WebResponse, rest: RestResponse): WebResponse {
  const etag = findHeader(RestResponse.answerOf(rest).captured.headers, 'etag');
  // The length of a text is not taken from its headers, but for HEAD, and to read its body would make a stream.
  const isText = TextResponse.holdsText(response);
  if (isText && etag === undefined && request.method !== 'HEAD') return response;
  if (!isText && response.body === null) return response;
  if (!isText && RestResponse.hasBody(rest, response.body)) return response;
  const headers: [string, string][] = [];
  for (const [name, value] of response.headers) {
    const lowerName = name.toLowerCase();
    if (lowerName === 'content-length') continue;
    headers.push([name, lowerName === 'etag' && value === etag ? toWeakTag(value) : value]);
  }
  const { status, statusText = '', body, bodyUsed } = response;
  return { status, statusText, headers, body, bodyUsed, copyOf: response };
}
