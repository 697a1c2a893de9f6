import type { TrustedPeers } from '../contract/client.ts';
import { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { IncomingRequest, ResponseListener, ResponseSink } from '../contract/http-message.ts';
import { InFlightList } from '../contract/in-flight.ts';
import type { Log } from '../contract/log.ts';
import type { PendingWork } from '../contract/pending-work.ts';
import type { RequestObserver } from '../contract/tracer.ts';
import { identify } from './client.ts';
import { RequestIds } from './request-id.ts';

export interface ExchangesOptions {
  readonly isTrusted: TrustedPeers;
  readonly pendingWork: PendingWork;
  readonly log: Log;
  readonly observers?: readonly RequestObserver[];
}

/**
 * The requests in flight. Creates an Exchange for each request and writes its access line when the
 * response closes.
 */
export class Exchanges {
  readonly #options: ExchangesOptions;
  readonly #active = new InFlightList<Exchange>();
  readonly #requestIds = new RequestIds();
  /** Undefined: there are none. */
  readonly #observers: readonly RequestObserver[] | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: ExchangesOptions) {
    this.#options = options;
    this.#observers = options.observers?.length ? options.observers : undefined;
  }

  get size(): number {
    return this.#active.size;
  }

  /** The requests in flight. */
  get active(): Iterable<Exchange> {
    return this.#active;
  }

  /** Identifies the client of the request and replaces its trust headers before any other code reads them. */
  open(request: IncomingRequest, response: ResponseSink): Exchange {
    const { isTrusted, pendingWork } = this.#options;
    const exchange = new Exchange({
      request,
      response,
      client: identify(request, isTrusted),
      requestId: this.#requestIds.of(request),
      pendingWork,
      startedAtMs: performance.now(),
      onClosed: this.#onClosed,
    });
    if (this.#observers !== undefined) for (const observer of this.#observers) observer.begin(exchange);
    this.#active.join(exchange);
    response.listen(exchange);
    return exchange;
  }

  /** Returns request and response to the host server: this module listens to neither any more, and writes no access line. */
  release(exchange: Exchange): void {
    exchange.response.listen(NOTHING_TO_DO);
    this.#leave(exchange);
  }

  /** Cuts the connection of each request in flight. */
  abort(): void {
    for (const { response } of [...this.#active]) response.abort();
  }

  /** Resolves when no request is in flight. */
  async settled(): Promise<void> {
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  readonly #onClosed = (exchange: Exchange): void => {
    this.#leave(exchange);
    if (exchange.left) exchange.fault ??= new Fault('client_left');
    this.#options.log.access(exchange);
    if (this.#observers !== undefined) for (const observer of this.#observers) observer.end(exchange);
  };

  #leave(exchange: Exchange): void {
    this.#active.leave(exchange);
    if (this.size === 0) this.#onEmpty?.();
  }
}

const NOTHING_TO_DO: ResponseListener = {
  drained() {},
  closed() {},
};
