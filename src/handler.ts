import type { Development } from './contract/development.ts';
import type { CallEnder, Exchange } from './contract/exchange.ts';
import { isReported } from './contract/exit-error.ts';
import { Fault, toFault } from './contract/fault.ts';
import type { Log } from './contract/log.ts';
import type { OwnPage } from './contract/own-page.ts';
import type { RouteStops } from './contract/route.ts';
import type { Answer, Fallback, Params } from './contract/target.ts';
import type { Tracer } from './contract/tracer.ts';
import { answerFault } from './http/fault-response.ts';
import { CDN_LOOP, type LoopRules, refuseLoopOf } from './http/loops.ts';
import type { WebSockets } from './http/web-sockets.ts';
import { answerOptions } from './http/write-head.ts';
import { RouteCalls, type RouteSource } from './site/route-calls.ts';
import type { Site } from './site/site.ts';

const NO_PARAMS: Params = Object.freeze({});
const NOTHING = (): void => undefined;

export interface HandlerParts {
  /** A request is answered to its end by the site that was current when it arrived. */
  readonly sites: { readonly current: Site };
  /** Answers every request that no route answers. */
  readonly fallback: Fallback;
  /** Opens WebSockets of functions. */
  readonly webSockets: WebSockets;
  /** Undefined: code of the site that fetches its own paths is not stopped. */
  readonly loops?: LoopRules | undefined;
  /** Pages of nexthop itself. */
  readonly pages: readonly OwnPage[];
  /** Largest body of a request; 0: no limit. */
  readonly bodyLimitBytes: number;
  readonly log: Log;
  /** Called with each fault of the next hop. */
  readonly onHopFault?: (fault: Fault) => void;
  /** Routes that are not called. */
  readonly stopped?: RouteStops | undefined;
  readonly tracer?: Tracer | undefined;
  /** Development mode: error responses say what failed in a function. */
  readonly dev: boolean;
  /** Undefined outside of `nexthop dev`. */
  readonly development?: Development | undefined;
}

/**
 * Tries the filters and routes of the site in order, then the fallback. Every error of a client's
 * request ends here; `site/own-requests.ts` does the same for requests that the site makes of itself.
 */
export class Handler implements CallEnder {
  readonly #parts: HandlerParts;
  readonly #calls: RouteCalls;
  readonly #logged = new WeakSet<Fault>();

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#calls = new RouteCalls({ ...parts, runFrom: (exchange, site, from) => this.#runFrom(exchange, site, from) });
  }

  /**
   * `refusal`: a fault that was found before the request was used. Never rejects or throws. Undefined if the response is written, or will be without anything here
   * that waits for it.
   */
  handle(exchange: Exchange, refusal?: Fault): Promise<void> | undefined {
    exchange.callEnder = this;
    try {
      if (refusal) throw refusal;
      exchange.limitBody(this.#parts.bodyLimitBytes);
      if (exchange.target !== '*') {
        const answered = this.#answer(exchange);
        if (answered instanceof Promise) return answered.then(NOTHING, (error) => this.failCall(exchange, error));
      } else answerOptions(exchange);
    } catch (error) {
      this.failCall(exchange, error);
    }
    return undefined;
  }

  #answer(exchange: Exchange): Answer {
    const { development, pages } = this.#parts;
    for (const page of pages) if (page.isAsked(exchange)) return page.answer(exchange);
    if (!development) return this.#answerBySite(exchange);
    const outcome = development.receive(exchange);
    if (outcome instanceof Promise) {
      return outcome.then((later) => (later === 'answered' ? later : this.#answerBySite(exchange)));
    }
    return outcome === 'answered' ? outcome : this.#answerBySite(exchange);
  }

  #answerBySite(exchange: Exchange): Answer {
    const { sites, webSockets, loops } = this.#parts;
    const site = sites.current;
    if (loops && exchange.request.get(CDN_LOOP) !== undefined)
      exchange.passes = refuseLoopOf(exchange.request.headers, loops);
    // A site without routes cannot accept a WebSocket.
    if (exchange.request.upgrade !== undefined && site.routes.length > 0) webSockets.offer(exchange);
    return this.#orFallback(exchange, this.#calls.answer(exchange, site));
  }

  /** Answers what a filter reads: the path from the filter at index `from` on. */
  #runFrom(exchange: Exchange, site: RouteSource, from: number): void {
    exchange.callEnder = this;
    try {
      const answered = this.#orFallback(exchange, this.#calls.answerFrom(exchange, site, from));
      if (answered instanceof Promise) answered.catch((error) => this.failCall(exchange, error));
    } catch (error) {
      this.failCall(exchange, error);
    }
  }

  #orFallback(exchange: Exchange, outcome: Answer): Answer {
    if (outcome instanceof Promise) {
      return outcome.then((later) => (later === 'answered' ? later : this.#answerByFallback(exchange)));
    }
    return outcome === 'answered' ? outcome : this.#answerByFallback(exchange);
  }

  #answerByFallback(exchange: Exchange): Answer {
    const { fallback } = this.#parts;
    exchange.upgrade = undefined;
    exchange.answeredBy = fallback.name;
    return fallback.answer(exchange, NO_PARAMS);
  }

  /** Code of the site tried to end the process: the client gets a 500, and nothing that the code writes afterwards. */
  endCall(exchange: Exchange, error: Error): boolean {
    const { response } = exchange;
    if (exchange.isCallEnded) return true;
    // An open WebSocket ends by what is thrown.
    if (exchange.left || response.isEnded) return false;
    this.#answerFault(exchange, new Fault('function_error', { cause: error }));
    exchange.isCallEnded = true;
    if (exchange.hasNode) exchange.node.mute();
    // The rest of a stream is not needed any more.
    exchange.leave();
    return true;
  }

  failCall(exchange: Exchange, error: unknown): void {
    this.#answerFault(exchange, toFault(error));
  }

  #answerFault(exchange: Exchange, fault: Fault): void {
    // After the client left, every later error is only a result of that and is not logged.
    if (exchange.left || exchange.isCallEnded) return;
    exchange.runs?.failed(exchange.route, fault);
    const { dev, development } = this.#parts;
    answerFault(exchange, fault, { dev, page: development?.toFaultPage(exchange, fault) });
    // A stopped route is in error.log once; access.log has each of its requests.
    if (fault.origin === 'client' || fault.code === 'route_stopped' || isReported(fault.cause)) return;
    // A filter that reads the response of a function fails with the same fault.
    if (this.#logged.has(fault)) return;
    this.#logged.add(fault);
    const { log } = this.#parts;
    const details = {
      code: fault.code,
      status: fault.status,
      request: `${exchange.request.method} ${exchange.askedTarget}`,
      request_id: exchange.requestId.value,
      route: exchange.route,
      target: exchange.answeredBy,
      error: fault,
    };
    if (fault.origin === 'hop') {
      log.warn(fault.message, details);
      this.#parts.onHopFault?.(fault);
    } else log.error(fault.message, details);
  }
}
