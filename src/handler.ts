import type { Exchange } from './contract/exchange.ts';
import { type Fault, toFault } from './contract/fault.ts';
import type { Log } from './contract/log.ts';
import type { Fallback, Params } from './contract/target.ts';
import { answerFault } from './http/fault-response.ts';
import { hasBody } from './http/headers.ts';
import type { Ready } from './http/ready.ts';
import type { WebSockets } from './http/web-sockets.ts';
import { answerOptions } from './http/write-head.ts';
import type { Site } from './site/site.ts';

const NO_PARAMS: Params = Object.freeze({});
const NOTHING = Buffer.alloc(0);

/** Opens connections that leave HTTP. */
export interface TunnelOpener {
  /** Rejects with a Fault only if nothing was written yet. */
  open(exchange: Exchange, head: Buffer): Promise<void>;
}

export interface HandlerParts {
  /** A request is answered to its end by the site that was current when it arrived. */
  readonly sites: { readonly current: Site };
  /** Answers every request that no route answers. */
  readonly fallback: Fallback;
  /** Opens WebSockets of functions. */
  readonly webSockets: WebSockets;
  /** Opens tunnels for upgrades that no function accepts. */
  readonly tunnels: TunnelOpener;
  readonly ready: Ready;
  readonly log: Log;
  /** Development mode: error responses say what failed in a function. */
  readonly dev: boolean;
}

/**
 * Tries the filters and routes of the site in order, then the fallback. This is the only place that
 * catches the errors of a request.
 */
export class Handler {
  readonly #parts: HandlerParts;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** `refusal`: a fault that was found before the request was used. Never rejects. */
  async handle(exchange: Exchange, refusal?: Fault): Promise<void> {
    try {
      if (refusal) throw refusal;
      exchange.refuseLargeBody();
      if (exchange.target === '*') answerOptions(exchange);
      else await this.#answer(exchange);
    } catch (error) {
      this.#answerFault(exchange, toFault(error));
    }
  }

  /**
   * The same for an upgrade, where the fallback is a tunnel to the hop. `head`: bytes after the
   * request that Node has already read. Never rejects.
   */
  async handleTunnel(exchange: Exchange, head: Buffer, refusal?: Fault): Promise<void> {
    try {
      if (refusal) throw refusal;
      const { sites, tunnels } = this.#parts;
      const site = sites.current;
      // A site without routes cannot accept it: the connection goes to the hop unchanged.
      const rest = site.routes.length > 0 ? await this.#offer(exchange, head, site) : head;
      if (!rest) return;
      exchange.answeredBy = 'tunnel';
      await tunnels.open(exchange, rest);
    } catch (error) {
      this.#answerFault(exchange, toFault(error));
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { sites, fallback, ready } = this.#parts;
    if (ready.isReadinessCheck(exchange)) {
      ready.answer(exchange);
      return;
    }
    if (await this.#isAnswered(exchange, sites.current)) return;
    exchange.answeredBy = fallback.name;
    await fallback.answer(exchange, NO_PARAMS);
  }

  /**
   * Offers the upgrade to the site. Undefined: the site opened the WebSocket or answered otherwise.
   * Else: the bytes after the request that are not in the socket's buffer.
   */
  async #offer(exchange: Exchange, head: Buffer, site: Site): Promise<Buffer | undefined> {
    const upgrade = this.#parts.webSockets.offer(exchange, head);
    try {
      if (await this.#isAnswered(exchange, site)) return undefined;
      upgrade.pass();
      return NOTHING;
    } finally {
      upgrade.refuse();
    }
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
      if ((await route.target.answer(exchange, params)) === 'answered') return true;
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
      if ((await target.answer(exchange, NO_PARAMS)) === 'answered') return true;
    }
    return false;
  }

  #answerFault(exchange: Exchange, fault: Fault): void {
    // After the client left, every later error is only a result of that and is not logged.
    if (exchange.left) return;
    answerFault(exchange, fault, this.#parts.dev);
    if (fault.origin === 'client') return;
    const { log } = this.#parts;
    const fields = {
      code: fault.code,
      status: fault.status,
      request: `${exchange.request.method} ${exchange.askedTarget}`,
      request_id: exchange.requestId.value,
      route: exchange.route,
      target: exchange.answeredBy,
      error: fault,
    };
    if (fault.origin === 'hop') log.warn(fault.message, fields);
    else log.error(fault.message, fields);
  }
}

/**
 * Whether the request can go to the fallback first and to a route afterwards: it has no body to
 * consume and no side effect (RFC 9110 9.2.1).
 */
function canBeSentTwice({ request, upgrade }: Exchange): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !upgrade && !hasBody(request);
}
