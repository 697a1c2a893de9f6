import { type CallEnder, Exchange } from '../contract/exchange.ts';
import { Fault, toFault } from '../contract/fault.ts';
import type { SiteRequest, SiteRequests, WholeAnswer } from '../contract/site-requests.ts';
import { InnerRequest } from '../http/inner-request.ts';
import { KeptResponse } from '../http/kept-response.ts';
import { RouteCalls, type RouteSource } from './route-calls.ts';

/** Runs requests of targets through the filters and routes of their site. */
export class OwnRequests implements SiteRequests {
  readonly #calls = new RouteCalls({});
  readonly #site: () => RouteSource | undefined;

  /** `site`: undefined while it is read. */
  constructor(site: () => RouteSource | undefined) {
    this.#site = site;
  }

  async send(outer: Exchange, request: SiteRequest): Promise<WholeAnswer | undefined> {
    const response = new KeptResponse(request.method, request.limitBytes);
    const exchange = new Exchange({
      request: new InnerRequest(outer, request),
      response,
      client: outer.client,
      requestId: outer.requestId,
      pendingWork: outer.pendingWork,
      startedAtMs: performance.now(),
      onClosed: () => {},
    });
    response.listen(exchange);
    const call = new Call(exchange);
    exchange.callEnder = call;
    const site = this.#site();
    const answered = site ? this.#calls.answer(exchange, site) : 'passed';
    if ((await Promise.race([answered, call.ended])) === 'passed') return undefined;
    return Promise.race([response.whole, call.ended]);
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
