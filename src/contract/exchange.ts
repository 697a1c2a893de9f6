import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { AnswerListener } from './answer-listener.ts';
import type { Client } from './client.ts';
import type { Fault } from './fault.ts';
import type { HostServer } from './host-server.ts';
import type { IncomingRequest, NodePair, PairOwner, ResponseListener, ResponseSink } from './http-message.ts';
import type { Member } from './in-flight.ts';
import { KeptValues } from './kept-values.ts';
import type { RunObserver } from './metrics.ts';
import type { PendingWork } from './pending-work.ts';
import type { RateRule } from './rate-limit.ts';
import type { PlatformId, RequestId } from './request-id.ts';
import type { Upgrade } from './upgrade.ts';

/** Headers for the response of an exchange, whatever writes it. Error responses of faults get none. */
export interface ResponseLayer {
  /** Returns the headers (flat) to send instead of `headers`. Called once, just before the head is written. */
  toHeaders(exchange: Exchange, status: number, headers: readonly string[]): readonly string[];
}

/** Answers a request instead of the target that was called for it. */
export interface CallEnder {
  /** See `Exchange.fail`. */
  failCall(exchange: Exchange, error: unknown): void;
  /** See `Exchange.end`. */
  endCall(exchange: Exchange, error: Error): boolean;
}

/** What follows a filter on the path of its request: further filters, the routes, the fallback. */
export interface RestOfPath {
  /** Answers `inner`, an exchange for the same request whose response the filter reads. Never throws: a fault becomes the response. */
  answer(inner: Exchange): void;
}

export interface ExchangeParts {
  readonly request: IncomingRequest;
  readonly response: ResponseSink;
  readonly client: Client;
  readonly requestId: RequestId;
  readonly pendingWork: PendingWork;
  readonly startedAtMs: number;
  /** Called once when the response is complete or its connection is lost. */
  readonly onClosed: (exchange: Exchange) => void;
}

/** One request, its response, and what is learned about both. Members that are not readonly are written by the target that answers, and read by the access line. */
export class Exchange implements Member, ResponseListener, PairOwner {
  readonly socket: Socket;
  readonly client: Client;
  readonly requestId: RequestId;
  /** The request target in origin-form, byte for byte as the client sent it, as in the logs. */
  readonly askedTarget: string;
  readonly startedAtMs: number;
  /** Bytes of head and body that were written to the connection since the request began. Known at its end. */
  writtenBytes: number;
  readonly pendingWork: PendingWork;
  /** The request target in origin-form for targets: `askedTarget`, unless a rule of the site has rewritten it. */
  target: string;
  /** Pattern of the route that answered; '' for the fallback. */
  route = '';
  /** Step of that route; 0 for the fallback, `OWN_PAGE` if nexthop itself answers. */
  step = 0;
  /** Name of the target that answered. */
  answeredBy = '';
  fault: Fault | undefined;
  cacheResult: 'hit' | 'stale' | 'miss' | 'pass' | 'collapsed' | undefined;
  /** The times of the head and of the call are measured. */
  isMeasured = false;
  /** Undefined: runs are not counted. */
  runs: RunObserver | undefined;
  /** When the final head was written; 0: it is not, or is not measured. */
  headAtMs = 0;
  /** When the code of the site that answers was called; 0: none was, or it is not measured. */
  calledAtMs = 0;
  /** Of the span of this request; '' without a tracer. */
  traceId = '';
  /** That span is recorded. */
  isSampled = false;
  /** Sent with every response, also with a Fault's; it replaces a header of that name set by a function. */
  platformId: PlatformId | undefined;
  /** The platform stores the response for these seconds, by its path alone, whatever its headers say. Set before its head is written. */
  builtForS: number | undefined;
  /** The response is a static file of the site. Set before its head is written. */
  isFile = false;
  /** A rule of the site replaces the status of the response by this one, but not of a fault. 0: it does not. */
  ruleStatus = 0;
  /** Of the response, for the access line. */
  contentType = '';
  sectionTag = '';
  upstreamStatus = '';
  upstreamAddress = '';
  /** The limit of the request body, see `limitBody`. It also bounds each message of a WebSocket. 0: none. */
  bodyLimitBytes = 0;
  /** True once the connection closed before the response was complete. */
  left = false;
  /** Values that the host program passes to the site's code (`Astro.locals`). */
  locals: object | undefined;
  /** Undefined when nexthop owns the server. */
  hostServer: HostServer | undefined;
  /** Set while the request is a WebSocket handshake that no target has accepted or refused. A target that opens no WebSockets may pass. */
  upgrade: Upgrade | undefined;
  /** Set while a filter is called, which may run it once (`http/rest-run.ts`). */
  rest: RestOfPath | undefined;
  /** How often the request has passed modules of this name, by CDN-Loop. Above 0, code of this site may have sent it. */
  passes = 0;
  /** Fetches of the own host by code that runs for this exchange, without a response yet. */
  ownFetches = 0;
  /** The rate limits of routes that the path as received matches, and that count the request when such a route is called. Undefined: none. */
  dueLimits: readonly RateRule[] | undefined;
  /** A client that ended its side may have closed, which only a write shows. The response may never write again: it is cut. */
  endsWithClient = false;
  /** Set before the first target is called. */
  callEnder: CallEnder | undefined;
  /** The request was answered instead of by its function. Whatever the function still writes is discarded. */
  isCallEnded = false;
  /** Set before `node` is read the first time. */
  nodeObjects: PairOwner['nodeObjects'];
  readonly kept = new KeptValues();
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  #request: IncomingRequest;
  #response: ResponseSink;
  #pair: NodePair | undefined;
  #layer: ResponseLayer | undefined;
  #laterLayers: ResponseLayer[] | undefined;
  #listener: AnswerListener | undefined;
  #abort: AbortController | undefined;
  #endedAtMs: number | undefined;
  readonly #onClosed: (exchange: Exchange) => void;

  constructor({ request, response, client, requestId, pendingWork, startedAtMs, onClosed }: ExchangeParts) {
    this.#request = request;
    this.#response = response;
    this.#onClosed = onClosed;
    this.socket = request.socket;
    this.client = client;
    this.requestId = requestId;
    this.pendingWork = pendingWork;
    this.askedTarget = request.target;
    this.target = request.target;
    this.startedAtMs = startedAtMs;
    // A socket that was destroyed before it connected has no `bytesWritten`.
    this.writtenBytes = -(request.socket.bytesWritten ?? 0);
  }

  get request(): IncomingRequest {
    return this.#request;
  }

  /** Targets write the head with `writeHead`, so that headers of rules are added; content with this. */
  get response(): ResponseSink {
    return this.#response;
  }

  /** Replaces the target (origin-form) for functions, files and the hop. */
  rewrite(target: string): void {
    this.target = target;
    if (this.#pair) this.#pair.request.url = target;
  }

  /** Node's objects of this exchange, made at the first call. Only before the head is written. */
  get node(): NodePair {
    if (!this.#pair) {
      const { pair, request, response } = this.#response.toNode(this.#request, this.target, this);
      this.#pair = pair;
      this.#request = request;
      this.#response = response;
    }
    return this.#pair;
  }

  /** `node` was read: a framework may have set headers or read the body. */
  get hasNode(): boolean {
    return this.#pair !== undefined;
  }

  /** Adds headers to the response, whatever writes it. A layer that is added later is applied first. */
  addLayer(layer: ResponseLayer): void {
    if (this.#layer) this.#laterLayers = [...(this.#laterLayers ?? []), layer];
    else this.#layer = layer;
  }

  /** The headers (flat) of the response with all layers applied. */
  applyLayers(status: number, headers: readonly string[]): readonly string[] {
    if (!this.#layer || this.fault) return headers;
    const later = this.#laterLayers?.reduceRight((applied, each) => each.toHeaders(this, status, applied), headers);
    return this.#layer.toHeaders(this, status, later ?? headers);
  }

  /** Called by the pair. */
  get changesHead(): boolean {
    return (this.#layer !== undefined || this.ruleStatus !== 0) && !this.fault;
  }

  /** The status of the response, unless a rule of the site replaces it. */
  toSentStatus(status: number): number {
    return this.ruleStatus !== 0 && !this.fault ? this.ruleStatus : status;
  }

  /** Writes the head of the response with the headers of all layers. See `ResponseSink.head`. */
  writeHead(status: number, reason: string, headers: readonly string[]): void {
    const sent = this.toSentStatus(status);
    this.#response.head(sent, sent === status ? reason : (STATUS_CODES[sent] ?? ''), this.applyLayers(sent, headers));
  }

  /** From the head of the request to the end of the response, or until now. */
  get tookMs(): number {
    return (this.#endedAtMs ?? performance.now()) - this.startedAtMs;
  }

  /** Aborts when the client leaves early, or when a function exceeds its time limit. Created on first use: most requests need none. */
  get signal(): AbortSignal {
    if (!this.#abort && this.left) this.abort(undefined);
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Aborts the signal although the client may still be connected: the result of the work is no longer used. */
  abort(reason: unknown): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(reason);
  }

  /** Sets the one listener: only the target that answers has work to stop. Called at once if the client has left already. */
  listen(listener: AnswerListener | undefined): void {
    this.#listener = listener;
    if (this.left) listener?.clientLeft();
  }

  /** Call it just before code of the site is called for this request. */
  noteRun(): void {
    if (this.isMeasured) this.calledAtMs = performance.now();
    this.runs?.ran(this);
  }

  /** As in SiteCall: the code of the site that runs for this request. */
  get calledCode(): string {
    return this.answeredBy;
  }

  /** Code of the site tried to end the process while it ran for this request: answers with 500 and logs this error. False: the response is complete. */
  end(error: Error): boolean {
    return this.callEnder?.endCall(this, error) ?? false;
  }

  /** The target failed after its outcome: the error becomes the response, or cuts it. */
  fail(error: unknown): void {
    this.callEnder?.failCall(this, error);
  }

  /** The client is gone, or the response is of no use to it any more. Idempotent. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    this.#listener?.clientLeft();
    this.#abort?.abort();
  }

  /** Lowers the limit of the request body to `bytes` (0: unchanged). Throws `body_too_large` if the head announces more. */
  limitBody(bytes: number): void {
    if (bytes > 0 && (this.bodyLimitBytes === 0 || bytes < this.bodyLimitBytes)) this.bodyLimitBytes = bytes;
    this.#request.body.limit(bytes);
  }

  /** Called by the pair. */
  failPair(fault: Fault): boolean {
    const listener = this.#listener;
    if (!listener?.pairFailed) return false;
    listener.pairFailed(fault);
    return true;
  }

  /** Called by the response. */
  headWritten(): void {
    if (this.isMeasured) this.headAtMs = performance.now();
  }

  /** Called by the response. */
  drained(): void {
    this.#listener?.drained?.();
  }

  /** Called by the response. A WebSocket needs both directions: the client of a handshake has left. */
  clientEnded(): void {
    if (this.upgrade || this.endsWithClient) this.#response.abort();
    else this.#listener?.clientEnded?.();
  }

  /** Called by the response. */
  closed(isWhole: boolean): void {
    if (!isWhole) this.leave();
    this.#endedAtMs = performance.now();
    this.writtenBytes += this.socket.bytesWritten ?? -this.writtenBytes;
    this.#onClosed(this);
  }
}
