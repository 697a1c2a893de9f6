import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TrustedPeers } from '../config/setting.ts';
import { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Log } from '../contract/log.ts';
import type { PendingWork } from '../contract/pending-work.ts';
import { InFlightList } from '../timing/in-flight.ts';
import { checkRequest } from './check-request.ts';
import { identify } from './client.ts';
import { RequestIds } from './request-id.ts';

export interface ExchangesOptions {
  /** Largest body that is taken; 0: no limit. */
  readonly bodyLimitBytes: number;
  readonly isTrusted: TrustedPeers;
  readonly pendingWork: PendingWork;
  readonly log: Log;
}

/** The requests that are being answered: each becomes an Exchange, and an access line when its response closes. */
export class Exchanges implements Iterable<Exchange> {
  readonly #options: ExchangesOptions;
  readonly #active = new InFlightList<Exchange>();
  readonly #requestIds = new RequestIds();
  /** The last request of a connection that was answered before its whole body came. */
  readonly #answeredEarly = new WeakMap<Socket, IncomingMessage>();
  #onEmpty: (() => void) | undefined;

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#active.size;
  }

  /** Newest first. */
  [Symbol.iterator](): Iterator<Exchange> {
    return this.#active[Symbol.iterator]();
  }

  /** Checks and identifies before anything is routed. A fault that is found, or the `refusal`, stands in `exchange.fault`. */
  open(request: IncomingMessage, response: ServerResponse, refusal?: Fault): Exchange {
    const { isTrusted, pendingWork, bodyLimitBytes } = this.#options;
    const fault = refusal ?? checkRequest(request);
    const client = identify(request, isTrusted);
    const exchange = new Exchange({
      request,
      response,
      client,
      requestId: this.#requestIds.of(request),
      pendingWork,
      bodyLimitBytes,
      startedAtMs: performance.now(),
    });
    exchange.fault = fault;
    this.#active.join(exchange);
    exchange.closeListener = () => this.#close(exchange);
    response.once('close', exchange.closeListener);
    return exchange;
  }

  /** The same for a request that asks to leave HTTP: the response, by which it may be refused, ends the connection. */
  openUpgrade(request: IncomingMessage, socket: Socket, refusal?: Fault): Exchange {
    // node:http took its own listener off, and a reset that nobody listens to ends the process.
    socket.on('error', destroyIt);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // A refusal is written by it like any other answer, and the connection ends behind it.
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
    return this.open(request, response, refusal);
  }

  /** Somebody else goes on with request and response: nothing of this is left on them. */
  release(exchange: Exchange): void {
    this.#leave(exchange);
    if (exchange.closeListener) exchange.response.off('close', exchange.closeListener);
  }

  /** The same with the connection of an upgrade, on which nothing was written. */
  releaseUpgrade(exchange: Exchange): void {
    this.release(exchange);
    exchange.response.detachSocket(exchange.socket);
    exchange.socket.off('error', destroyIt);
  }

  /** Rare, so a search is cheaper than keeping an index for every request. */
  on(socket: Socket): Exchange | undefined {
    for (const exchange of this.#active) if (exchange.socket === socket) return exchange;
    return undefined;
  }

  /** Whether the connection carries the rest of a body whose request is answered already. */
  isBehindAnswer(socket: Socket): boolean {
    return this.#answeredEarly.get(socket)?.complete === false;
  }

  /** Resolves when there is none. */
  async settled(): Promise<void> {
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #close(exchange: Exchange): void {
    this.#leave(exchange);
    // The bytes of an open tunnel go past the response.
    if (!exchange.response.writableFinished && exchange.response.statusCode !== 101) {
      exchange.fault ??= new Fault('client_left');
      exchange.leave();
    }
    if (!exchange.request.complete) this.#answeredEarly.set(exchange.socket, exchange.request);
    this.#options.log.access(exchange);
  }

  #leave(exchange: Exchange): void {
    this.#active.leave(exchange);
    if (this.size === 0) this.#onEmpty?.();
  }
}

function destroyIt(this: Socket): void {
  this.destroy();
}
