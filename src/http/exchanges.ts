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
  /** Largest accepted body in bytes; 0: no limit. */
  readonly bodyLimitBytes: number;
  readonly isTrusted: TrustedPeers;
  readonly pendingWork: PendingWork;
  readonly log: Log;
}

/**
 * The requests in flight. Creates an Exchange for each request and writes its access line when the
 * response closes.
 */
export class Exchanges implements Iterable<Exchange> {
  readonly #options: ExchangesOptions;
  readonly #active = new InFlightList<Exchange>();
  readonly #requestIds = new RequestIds();
  /** The last request of a connection that was answered before its whole body arrived. */
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

  /**
   * Checks the request and identifies its client before routing. `exchange.fault` is the fault
   * found, or `refusal`.
   */
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

  /** The same for an upgrade request. If it is refused, the response ends the connection. */
  openUpgrade(request: IncomingMessage, socket: Socket, refusal?: Fault): Exchange {
    // node:http removes its own error listener from the socket; an 'error' event without a listener
    // ends the process.
    socket.on('error', destroyIt);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // A refusal is written like any other response; then the connection ends.
    response.assignSocket(socket);
    response.on('finish', () => socket.destroySoon());
    return this.open(request, response, refusal);
  }

  /** Gives request and response back to the host server: removes all listeners of this module. */
  release(exchange: Exchange): void {
    this.#leave(exchange);
    if (exchange.closeListener) exchange.response.off('close', exchange.closeListener);
  }

  /** The same for an upgrade on whose connection nothing was written. */
  releaseUpgrade(exchange: Exchange): void {
    this.release(exchange);
    exchange.response.detachSocket(exchange.socket);
    exchange.socket.off('error', destroyIt);
  }

  /**
   * The exchange in flight on a socket. Called only for idle sockets and client errors, so a search
   * is cheaper than an index for every request.
   */
  on(socket: Socket): Exchange | undefined {
    for (const exchange of this.#active) if (exchange.socket === socket) return exchange;
    return undefined;
  }

  /** Whether the connection carries the rest of a body whose request is already answered. */
  isRestOfBody(socket: Socket): boolean {
    return this.#answeredEarly.get(socket)?.complete === false;
  }

  /** Resolves when no request is in flight. */
  async settled(): Promise<void> {
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #close(exchange: Exchange): void {
    this.#leave(exchange);
    // A tunnel writes to the socket, not to the response, so `writableFinished` stays false for a
    // 101.
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
