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

/** Where upgraded connections go. */
export interface TunnelOpener {
  /** Rejects with a Fault while nothing is written. */
  open(exchange: Exchange, head: Buffer): Promise<void>;
}

export interface HandlerParts {
  /** What `current` is when a request comes answers it to the end. */
  readonly sites: { readonly current: Site };
  /** Answers what nobody else did. */
  readonly fallback: Fallback;
  /** Opens those of functions. */
  readonly webSockets: WebSockets;
  /** Opens those that nobody here answers. */
  readonly tunnels: TunnelOpener;
  readonly ready: Ready;
  readonly log: Log;
  /** For development: whoever asks is told what went wrong in a function. */
  readonly dev: boolean;
}

/** The path of a request: whoever may answer is asked in turn, then the fallback. The only place that catches. */
export class Handler {
  readonly #parts: HandlerParts;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** `refusal`: what was found wrong with the request before anything of it was used. Never rejects. */
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

  /** The same for a WebSocket's handshake: the fallback is a tunnel to the hop. `head` is what came behind it already. Never rejects. */
  async handleTunnel(exchange: Exchange, head: Buffer, refusal?: Fault): Promise<void> {
    try {
      if (refusal) throw refusal;
      const { sites, tunnels } = this.#parts;
      const site = sites.current;
      // Where nobody can be asked, the connection goes to the hop as it is.
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
    if (ready.isAsked(exchange)) {
      ready.answer(exchange);
      return;
    }
    if (await this.#isAnswered(exchange, sites.current)) return;
    exchange.answeredBy = fallback.name;
    await fallback.answer(exchange, NO_PARAMS);
  }

  /** Lets the site open the WebSocket. Undefined when it did or answered otherwise; else what came behind the request and is in no socket. */
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

  /** Asks the site in its order. */
  async #isAnswered(exchange: Exchange, site: Site): Promise<boolean> {
    if (site.filters.length > 0 && (await this.#isStopped(exchange, site))) return true;
    let isFallbackAsked = false;
    for (const { route, params } of site.candidates(exchange)) {
      if (route.afterFallback && !isFallbackAsked) {
        isFallbackAsked = true;
        if (await this.#isThere(exchange)) return true;
      }
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, params)) === 'answered') return true;
    }
    exchange.route = '';
    return false;
  }

  /** Asks the fallback before the others, where that can be taken back: it answers, or has nothing there. */
  async #isThere(exchange: Exchange): Promise<boolean> {
    const { fallback } = this.#parts;
    if (!fallback.answerUnlessMissing || !canBeSentTwice(exchange)) return false;
    exchange.route = '';
    exchange.answeredBy = fallback.name;
    return (await fallback.answerUnlessMissing(exchange)) === 'answered';
  }

  /** The site's filters may answer, or let the request pass on with another target and other fields; only then it is looked up. */
  async #isStopped(exchange: Exchange, { filters }: Site): Promise<boolean> {
    for (const { target, pattern } of filters) {
      exchange.route = pattern.text;
      exchange.answeredBy = target.name;
      if ((await target.answer(exchange, NO_PARAMS)) === 'answered') return true;
    }
    return false;
  }

  #answerFault(exchange: Exchange, fault: Fault): void {
    // A client that left caused whatever broke after it; the rest would only hide that.
    if (exchange.left) return;
    answerFault(exchange, fault, this.#parts.dev);
    if (fault.origin === 'client') return;
    const { log } = this.#parts;
    const fields = {
      code: fault.code,
      status: fault.status,
      request: `${exchange.request.method} ${exchange.askedTarget}`,
      request_id: exchange.requestId.value,
      target: exchange.answeredBy,
      error: fault,
    };
    if (fault.origin === 'hop') log.warn(fault.message, fields);
    else log.error(fault.message, fields);
  }
}

/** Nothing of it is used up, and nothing is done, by asking somebody who then has nothing to say. */
function canBeSentTwice({ request, upgrade }: Exchange): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !upgrade && !hasBody(request);
}
