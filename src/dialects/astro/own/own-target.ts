import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toRequestUrl } from '../../../http/request-url.ts';
import { toWebRequest } from '../../../http/web-request.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import type { OwnBuild, RequestView } from './own-build.ts';

export interface OwnTargetParts {
  readonly build: OwnBuild;
  /** For the access log: the build's entry. */
  readonly name: string;
  /** Who answers what the build has no route for: whoever is asked next, or Astro, with its page for what is not found. */
  readonly missing: 'pass' | 'render';
}

/**
 * Renders what a build by our adapter renders on demand, without the detour through a handler for Node: the address and the client are those that the edge
 * believes in, the answer is written as fast as the client takes it, and nothing of the body is read unless the site reads it.
 */
export function ownTarget(parts: OwnTargetParts): Target {
  return new OwnTarget(parts);
}

class OwnTarget implements Target {
  readonly name: string;
  readonly #build: OwnBuild;
  readonly #mayPass: boolean;
  readonly #islands: string;

  constructor({ build, name, missing }: OwnTargetParts) {
    this.name = name;
    this.#build = build;
    this.#mayPass = missing === 'pass';
    this.#islands = `${build.base}/_server-islands/`;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const route = this.#find(exchange);
    // No page opens a WebSocket, but who is asked next may.
    if (this.#mayPass && (!route || exchange.upgrade)) return 'passed';
    if (REFUSED.has(exchange.request.method ?? '')) throw new Fault('method_refused');
    this.#limitBody(exchange);
    await writeWebResponse(exchange, await this.#render(exchange, route));
    return 'answered';
  }

  /** `toRequestUrl` may throw: a request whose Host is none has no page, but whoever is asked next may know better. */
  #find(exchange: Exchange): object | undefined {
    if (!isBelow(exchange.target, this.#build.base)) return undefined;
    try {
      return this.#build.match(new View(exchange));
    } catch (error) {
      if (this.#mayPass && error instanceof Fault) return undefined;
      throw error;
    }
  }

  #limitBody(exchange: Exchange): void {
    const { bodyLimitBytes, islandBodyLimitBytes } = this.#build;
    exchange.limitBody(bodyLimitBytes);
    if (exchange.target.startsWith(this.#islands)) exchange.limitBody(islandBodyLimitBytes);
  }

  async #render(exchange: Exchange, route: object | undefined): Promise<Response> {
    const request = toWebRequest(exchange);
    try {
      const response = await this.#build.render(request, {
        route,
        clientAddress: exchange.client.address,
        locals: exchange.locals,
        waitUntil: (work) => exchange.pendingWork.add(work, this.name),
      });
      // The site heard of it while it read, and made an error page of it.
      if (hasTooMuch(exchange)) throw new Fault('body_too_large');
      return response;
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault('function_error', { message: 'Astro failed', cause });
    }
  }
}

/** Those that the standard's Request does not take; TRACE would tell a page's script of fields that it must not see. */
const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/** A base ends where a segment does: `/shop` is not that of `/shopping`. */
function isBelow(target: string, base: string): boolean {
  const next = target[base.length];
  return base === '' || (target.startsWith(base) && (next === undefined || next === '/' || next === '?'));
}

function hasTooMuch({ bodyLimitBytes, bodyBytesReceived }: Exchange): boolean {
  return bodyLimitBytes > 0 && bodyBytesReceived > bodyLimitBytes;
}

/** Fields are looked at only by sites that choose a language by host. */
class View implements RequestView {
  readonly url: string;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.url = toRequestUrl(exchange);
  }

  get headers(): Headers {
    return toWebRequest(this.#exchange).headers;
  }
}
