import type { CallEnder, Exchange } from './contract/exchange.ts';
import { isReported } from './contract/exit-error.ts';
import { Fault, toFault } from './contract/fault.ts';
import type { Log } from './contract/log.ts';
import type { Fallback, Outcome, Params, Target } from './contract/target.ts';
import { answerFault } from './http/fault-response.ts';
import { hasBody } from './http/headers.ts';
import type { Ready } from './http/ready.ts';
import type { WebSockets } from './http/web-sockets.ts';
import { answerOptions } from './http/write-head.ts';
import { runFor } from './process/site-calls.ts';
import type { Site } from './site/site.ts';

const NO_PARAMS: Params = Object.freeze({});

export interface HandlerParts {
  /** A request is answered to its end by the site that was current when it arrived. */
  readonly sites: { readonly current: Site };
  /** Answers every request that no route answers. */
  readonly fallback: Fallback;
  /** Opens WebSockets of functions. */
  readonly webSockets: WebSockets;
  readonly ready: Ready;
  /** Largest body of a request; 0: no limit. */
  readonly bodyLimitBytes: number;
  readonly log: Log;
  /** Called with each fault of the next hop. */
  readonly onHopFault?: (fault: Fault) => void;
  /** Development mode: error responses say what failed in a function. */
  readonly dev: boolean;
}

/**
 * Tries the filters and routes of the site in order, then the fallback. This is the only place that
 * catches the errors of a request.
 */
export class Handler implements CallEnder {
  readonly #parts: HandlerParts;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** `refusal`: a fault that was found before the request was used. Never rejects. */
  async handle(exchange: Exchange, refusal?: Fault): Promise<void> {
    try {
      if (refusal) throw refusal;
      exchange.limitBody(this.#parts.bodyLimitBytes);
      if (exchange.target === '*') answerOptions(exchange);
      else await this.#answer(exchange);
    } catch (error) {
      this.#answerFault(exchange, toFault(error));
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { sites, fallback, webSockets, ready } = this.#parts;
    if (ready.isReadinessCheck(exchange)) {
      ready.answer(exchange);
      return;
    }
    const site = sites.current;
    // A site without routes cannot accept a WebSocket.
    if (exchange.request.upgrade !== undefined && site.routes.length > 0) webSockets.offer(exchange);
    if (await this.#isAnswered(exchange, site)) return;
    exchange.upgrade = undefined;
    exchange.answeredBy = fallback.name;
    await fallback.answer(exchange, NO_PARAMS);
  }

  /** Tries the filters, then the candidate routes in order. */
  async #isAnswered(exchange: Exchange, site: Site): Promise<boolean> {
    if (site.filters.length > 0 && (await this.#isAnsweredByFilter(exchange, site))) return true;
    let isFallbackTried = false;
    for (const { route, params } of site.candidates(exchange)) {
      if (route.afterFallback && !isFallbackTried) {
        isFallbackTried = true;
        if (await this.#isAnsweredByFallback(exchange)) return true;
      }
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await this.#call(exchange, route.target, params)) === 'answered' || exchange.isCallEnded) return true;
    }
    exchange.route = '';
    return false;
  }

  /**
   * Tries the fallback before the remaining routes, if the request can be sent again afterwards.
   * True if the fallback answered; false if it has nothing at this path.
   */
  async #isAnsweredByFallback(exchange: Exchange): Promise<boolean> {
    const { fallback } = this.#parts;
    if (!fallback.answerUnlessMissing || !canBeSentTwice(exchange)) return false;
    exchange.route = '';
    exchange.answeredBy = fallback.name;
    return (await fallback.answerUnlessMissing(exchange)) === 'answered';
  }

  /**
   * Runs the filters. A filter may answer, or change the target and the headers; therefore the
   * routes are looked up afterwards.
   */
  async #isAnsweredByFilter(exchange: Exchange, { filters }: Site): Promise<boolean> {
    for (const { target, pattern } of filters) {
      exchange.route = pattern.text;
      exchange.answeredBy = target.name;
      if ((await this.#call(exchange, target, NO_PARAMS)) === 'answered' || exchange.isCallEnded) return true;
    }
    return false;
  }

  /** Code of the site asked for the end of the process: the client gets a 500, and nothing of what the code still writes. */
  endCall(exchange: Exchange, error: Error): boolean {
    const { response } = exchange;
    if (exchange.isCallEnded) return true;
    // An open WebSocket ends by what is thrown.
    if (exchange.left || response.isEnded) return false;
    this.#answerFault(exchange, new Fault('function_error', { cause: error }));
    exchange.isCallEnded = true;
    if (exchange.hasNode) exchange.node.mute();
    // Nothing of a stream is of use any more.
    exchange.leave();
    return true;
  }

  #call(exchange: Exchange, target: Target, params: Params): Promise<Outcome> {
    if (target.isFile) return target.answer(exchange, params);
    exchange.callEnder = this;
    return runFor(exchange, () => target.answer(exchange, params));
  }

  #answerFault(exchange: Exchange, fault: Fault): void {
    // After the client left, every later error is only a result of that and is not logged.
    if (exchange.left || exchange.isCallEnded) return;
    answerFault(exchange, fault, this.#parts.dev);
    if (fault.origin === 'client' || isReported(fault.cause)) return;
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

/**
 * Whether the request can go to the fallback first and to a route afterwards: it has no body to
 * consume and no side effect (RFC 9110 9.2.1).
 */
function canBeSentTwice({ request, upgrade }: Exchange): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !upgrade && !hasBody(request);
}
