import { type CallEnder, Exchange } from '../contract/exchange.ts';
import { Fault, toFault } from '../contract/fault.ts';
import type { Route, Router } from '../contract/route.ts';
import type { SiteRequest, SiteRequests, WholeAnswer } from '../contract/site-requests.ts';
import type { Answer, Outcome, Params } from '../contract/target.ts';
import { InnerRequest } from '../http/inner-request.ts';
import { KeptResponse } from '../http/kept-response.ts';
import { runFor } from '../process/site-calls.ts';

const NO_PARAMS: Params = {};

/** What answers the requests of a site. */
interface Answering {
  readonly filters: readonly Route[];
  readonly router: Router;
}

/** Runs requests of targets through the filters and routes of their site. */
export class OwnRequests implements SiteRequests {
  readonly #site: () => Answering | undefined;

  /** `site`: undefined while it is read. */
  constructor(site: () => Answering | undefined) {
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
    const answered = this.#answer(exchange);
    if ((await Promise.race([answered, call.ended])) === 'passed') return undefined;
    return Promise.race([response.whole, call.ended]);
  }

  async #answer(exchange: Exchange): Promise<Outcome> {
    const site = this.#site();
    for (const route of site?.filters ?? []) {
      if ((await run(exchange, route, NO_PARAMS)) === 'answered') return 'answered';
    }
    for (const { route, params } of site?.router.find(exchange.request.method, exchange.target) ?? []) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await run(exchange, route, params)) === 'answered') return 'answered';
    }
    return 'passed';
  }
}

function run(exchange: Exchange, { target, code }: Route, params: Params): Answer {
  if (target.isFile) return target.answer(exchange, params);
  return runFor(exchange, () => target.answer(exchange, params), code);
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
