import type { Socket } from 'node:net';
import type { AnswerListener } from '../contract/answer-listener.ts';
import type { Exchange } from '../contract/exchange.ts';
import { type Fault, toFault } from '../contract/fault.ts';
import type { BodySink } from '../contract/http-message.ts';
import type { HopObserver } from '../contract/metrics.ts';
import type { Outcome } from '../contract/target.ts';
import { takesAtOnce } from '../http/captured-response.ts';
import { isEventStream } from '../http/headers.ts';
import { ClientResponse } from '../wire/client-response.ts';
import { toEndToEnd } from '../wire/connection-headers.ts';
import type { OriginCall, OriginHandler } from '../wire/origin-call.ts';
import type { OriginPool } from '../wire/origin-pool.ts';
import type { ResponseHead } from '../wire/response-head.ts';
import { toKept } from '../wire/socket-reads.ts';
import { toPassedTrailers } from '../wire/trailers.ts';
import { Discard } from './discard.ts';
import { writeResponseHead } from './response-headers.ts';

export interface ForwardOptions {
  /** The whole head for the hop. */
  readonly headText: string;
  /** Resolve with 'passed' on a 404 or an unreachable hop. Only for requests without a body. */
  readonly unlessMissing?: boolean;
  /** The head has an Upgrade. */
  readonly mayUpgrade?: boolean;
  /** Gets the time to the head of the response. */
  readonly observer?: HopObserver | undefined;
  /** The caller waits for `settled`; else a fault goes to the exchange. */
  readonly isAwaited?: boolean;
}

/**
 * One request that is forwarded to the hop, and its response to the client.
 *
 * A class without closures, and without a promise unless `isAwaited`, because this is the hot path. Then `settled` resolves when the response is written or the client
 * has left, or with 'passed' if another route may answer, and rejects with a Fault. Otherwise it is resolved from the start. Invariant: after the end nothing is called
 * that changes the exchange.
 */
export class Forward implements OriginHandler, BodySink, AnswerListener {
  readonly settled: Promise<Outcome> = ANSWERED;
  protected readonly exchange: Exchange;
  readonly #unlessMissing: boolean;
  #resolve: ((outcome: Outcome) => void) | undefined;
  #reject: ((fault: Fault) => void) | undefined;
  #call: OriginCall | undefined;
  #isOver = false;
  /** Undefined after the head, too. */
  #observer: HopObserver | undefined;
  #startedAtMs = 0;
  #heldInterims: ResponseHead[] | undefined;

  /** Sends the request. */
  constructor(
    exchange: Exchange,
    pool: OriginPool,
    { headText, unlessMissing = false, mayUpgrade = false, isAwaited = unlessMissing, observer }: ForwardOptions,
  ) {
    this.exchange = exchange;
    this.#unlessMissing = unlessMissing;
    if (observer) {
      this.#observer = observer;
      this.#startedAtMs = performance.now();
    }
    if (isAwaited) {
      this.settled = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
    }
    exchange.listen(this);
    if (this.#isOver) return;
    const { method, body } = exchange.request;
    try {
      this.#call = pool.send({ method, headText, bodyBytes: body.announcedBytes, mayUpgrade }, this);
    } catch (error) {
      this.failed(toFault(error));
    }
  }

  /** The hop accepts the body. A client that waits for `100 Continue` gets it now, so it sends nothing if the hop cannot be reached. */
  connected(call: OriginCall): void {
    this.#call = call;
    try {
      this.exchange.request.body.start(this);
    } catch (error) {
      this.fail(toFault(error));
    }
  }

  onData(content: Buffer): void {
    if (this.#call?.write(content) === false) this.exchange.request.body.pause();
  }

  onEnd(): void {
    this.#call?.end();
  }

  onFailure(fault: Fault): void {
    this.fail(fault);
  }

  bodyDrained(): void {
    this.exchange.request.body.resume();
  }

  /** 1xx responses are forwarded immediately (RFC 9110 15.2). */
  interim(head: ResponseHead): void {
    if (this.#unlessMissing) {
      this.#heldInterims ??= [];
      this.#heldInterims.push(head);
    } else this.#passInterim(head);
  }

  head(head: ResponseHead): void {
    const { exchange } = this;
    const call = this.#call as OriginCall; // the one that the head belongs to
    if (this.#unlessMissing && head.status === 404) {
      this.#observeHead(head, performance.now());
      new Discard(call);
      this.#pass();
      return;
    }
    if (this.#heldInterims) for (const held of this.#heldInterims) this.#passInterim(held);
    exchange.upstreamAddress = call.address;
    writeResponseHead(head, exchange);
    // The clock was read at this head already, if it is measured.
    this.#observeHead(head, exchange.headAtMs || performance.now());
    if (isEventStream(exchange.contentType)) {
      call.mayBeSilent = true;
      exchange.endsWithClient = true;
    }
  }

  data(content: Buffer): void {
    const { response } = this.exchange;
    if (!response.write(takesAtOnce(response) ? content : toKept(content))) this.#call?.pause();
  }

  waiting(): void {
    const { response } = this.exchange;
    if (response instanceof ClientResponse) response.flush();
  }

  drained(): void {
    this.#call?.resume();
  }

  end(trailers: readonly string[]): void {
    const { response } = this.exchange;
    // A chunked response without content stays chunked and gets no length.
    if (response.sentBytes === 0) response.write('');
    response.end('', trailers.length > 0 ? toPassedTrailers(trailers) : trailers);
    this.finish();
  }

  retried(fault: Fault, headText: string): string {
    return this.#observer?.retried?.(fault.code, headText) ?? headText;
  }

  failed(fault: Fault): void {
    this.#observer?.failed(fault.code, performance.now() - this.#startedAtMs);
    if (this.#unlessMissing && fault.code === 'hop_unreachable') this.#pass();
    else this.fail(fault);
  }

  /** Not called: no upgrade was requested. */
  upgraded(_head: ResponseHead, socket: Socket, _early: Buffer): void {
    socket.destroy();
  }

  clientLeft(): void {
    if (this.#isOver) return;
    this.finish();
    this.#call?.abort();
  }

  /** Address and port of the hop; '' before there is a connection. */
  protected get address(): string {
    return this.#call?.address ?? '';
  }

  /** Idempotent. */
  protected finish(): void {
    this.#isOver = true;
    this.#resolve?.('answered');
  }

  /** Idempotent. */
  protected fail(fault: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call?.abort();
    if (this.#reject) this.#reject(fault);
    else this.exchange.fail(fault);
  }

  #observeHead({ status }: ResponseHead, atMs: number): void {
    this.#observer?.answered(status, atMs - this.#startedAtMs);
    this.#observer = undefined;
  }

  /** Another route may answer. */
  #pass(): void {
    this.#isOver = true;
    this.exchange.listen(undefined);
    this.#resolve?.('passed');
  }

  #passInterim({ status, headers, connection }: ResponseHead): void {
    this.exchange.response.inform(status, toEndToEnd(headers, connection));
  }
}

const ANSWERED: Promise<Outcome> = Promise.resolve('answered');
