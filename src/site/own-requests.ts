import { type CallEnder, Exchange } from '../contract/exchange.ts';
import { Fault, toFault } from '../contract/fault.ts';
import type { SiteRequest, SiteRequests, WholeAnswer } from '../contract/site-requests.ts';
import { answerFault } from '../http/fault-response.ts';
import { toSiteRequest } from '../http/inner-request.ts';
import { KeptResponse } from '../http/kept-response.ts';
import { RouteCalls, type RouteSource } from './route-calls.ts';

/** Runs requests of targets through the filters and routes of their site. */
export class OwnRequests implements SiteRequests {
  readonly #calls = new RouteCalls({ runFrom: (...rest) => void this.#runFrom(...rest) });
  readonly #site: () => RouteSource | undefined;

  /** `site`: undefined while it is read. */
  constructor(site: () => RouteSource | undefined) {
    this.#site = site;
  }

  async send(outer: Exchange, request: SiteRequest): Promise<WholeAnswer | undefined> {
    const response = new KeptResponse(request.method, request.limitBytes);
    const exchange = new Exchange({
      request: toSiteRequest(outer, request),
      response,
      client: outer.client,
      requestId: outer.requestId,
      pendingWork: outer.pendingWork,
      startedAtMs: performance.now(),
      onClosed: () => {},
    });
    exchange.runs = outer.runs;
    response.listen(exchange);
    const call = new Call(exchange);
    exchange.callEnder = call;
    const site = this.#site();
    const answered = site ? this.#calls.answer(exchange, site) : 'passed';
    if ((await Promise.race([answered, call.ended])) === 'passed') return undefined;
    return Promise.race([response.whole, call.ended]);
  }

  /** Answers what a filter reads, from the filter at index `from` on. Nothing but the site answers. */
  async #runFrom(exchange: Exchange, site: RouteSource, from: number): Promise<void> {
    const call = new Call(exchange);
    exchange.callEnder = call;
    try {
      const answered = this.#calls.answerFrom(exchange, site, from);
      if ((await Promise.race([answered, call.ended])) === 'passed') throw new Fault('not_found');
    } catch (error) {
      const fault = toFault(error);
      exchange.runs?.failed(exchange.route, fault);
      answerFault(exchange, fault);
    }
  }
}

/** Code of the site that runs for the request may ask for the end of the process. */
class Call implements CallEnder {
  readonly ended: Promise<never>;
  #reject!: (fault: Fault) => void;

  constructor(exchange: Exchange) {
    this.ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.ended.catch(() => {
      exchange.isCallEnded = true;
      exchange.leave();
    });
  }

  failCall(_exchange: Exchange, error: unknown): void {
    this.#reject(toFault(error));
  }

  endCall(_exchange: Exchange, cause: Error): boolean {
    this.#reject(new Fault('function_error', { cause }));
    return true;
  }
}
