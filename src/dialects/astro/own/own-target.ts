import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { hasBody } from '../../../http/headers.ts';
import { toHref, toRequestUrl } from '../../../http/request-url.ts';
import { toWebRequest } from '../../../http/web-request.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import { otherSlash } from './other-slash.ts';
import type { OwnBuild, OwnMatch, RequestView } from './own-build.ts';

export interface OwnTargetParts {
  readonly build: OwnBuild;
  /** For the access log: the build's entry. */
  readonly name: string;
  /**
   * What happens to a request for which the build has no route. 'pass': the next target is tried.
   * 'render': Astro answers with its 404 page. 'try': the site's middleware runs and may answer; a
   * 404 passes.
   */
  readonly unmatched: 'pass' | 'render' | 'try';
}

/**
 * Answers with what a build by nexthop's adapter renders on demand. Calls Astro with a web Request,
 * not through a Node handler: URL and client address are those that nexthop trusts, the response is
 * written at the client's speed, and the body is read only when the site reads it.
 */
export function ownTarget(parts: OwnTargetParts): Target {
  return new OwnTarget(parts);
}

class OwnTarget implements Target {
  readonly name: string;
  readonly #build: OwnBuild;
  readonly #unmatched: OwnTargetParts['unmatched'];

  constructor({ build, name, unmatched }: OwnTargetParts) {
    this.name = name;
    this.#build = build;
    this.#unmatched = unmatched;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    return this.#unmatched === 'try' ? this.#try(exchange) : this.#answer(exchange);
  }

  async #answer(exchange: Exchange): Promise<Outcome> {
    const match = this.#find(exchange);
    // No page opens a WebSocket, but the next target may.
    if (this.#mayPass && (!match || exchange.upgrade)) return 'passed';
    if (REFUSED.has(exchange.request.method)) throw new Fault('method_refused');
    if (match?.location !== undefined) return writeWebResponse(exchange, redirect(exchange, match.location));
    exchange.limitBody(this.#build.bodyLimitBytes);
    if (match) exchange.limitBody(match.bodyLimitBytes);
    return writeWebResponse(exchange, await this.#render(exchange, match));
  }

  /**
   * Runs the site's middleware for a request that no route and no hop answered. Passes in a host
   * server with a `next`, which is the fallback there, and for a path with the wrong slash, or with
   * several slashes, at its end: Astro would redirect it even if it has no page.
   */
  async #try(exchange: Exchange): Promise<Outcome> {
    const { request, target, upgrade, hostServer } = exchange;
    if (upgrade || hostServer?.hasNext || hasBody(request)) return 'passed';
    const [path = ''] = target.split('?', 1);
    if (path.endsWith('//') || otherSlash(path, this.#build.trailingSlash) !== undefined) return 'passed';
    const response = await this.#render(exchange, undefined);
    if (response.status === 404) {
      await response.body?.cancel();
      return 'passed';
    }
    return writeWebResponse(exchange, response);
  }

  get #mayPass(): boolean {
    return this.#unmatched === 'pass';
  }

  /**
   * `toRequestUrl` throws for an invalid Host: no page matches such a request, but the next target
   * may.
   */
  #find(exchange: Exchange): OwnMatch | undefined {
    try {
      if (!isWellFormed(exchange.target)) throw new Fault('bad_path');
      return this.#build.match(new View(exchange));
    } catch (error) {
      if (this.#mayPass && error instanceof Fault) return undefined;
      throw error;
    }
  }

  async #render(exchange: Exchange, match: OwnMatch | undefined): Promise<Response> {
    const request = toWebRequest(exchange, { href: toHref(exchange) });
    exchange.noteRun();
    try {
      const response = await this.#build.render(request, {
        match,
        clientAddress: exchange.client.address,
        locals: exchange.locals,
        waitUntil: (work) => exchange.pendingWork.add(work, this.name),
      });
      // The site got the error while it read the body, and rendered an error page for it.
      if (hasTooMuch(exchange)) throw new Fault('body_too_large');
      return response;
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault('function_error', { message: 'Astro failed', cause });
    }
  }
}

/**
 * Methods that the standard's Request refuses. TRACE would show a script headers that it must not
 * read.
 */
const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/**
 * Whether the path of a target can be decoded. @astrojs/node answers 400 if not; versions of Astro
 * itself differ.
 */
function isWellFormed(target: string): boolean {
  const [path = ''] = target.split('?', 1);
  if (!path.includes('%')) return true;
  try {
    decodeURI(path);
    return true;
  } catch {
    // URIError is the only thing that it throws.
    return false;
  }
}

/** A redirect with the status that Astro sends. */
function redirect({ request }: Exchange, location: string): Response {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  return new Response(null, { status: isRead ? 301 : 308, headers: { location } });
}

function hasTooMuch({ request }: Exchange): boolean {
  return request.body.fault?.code === 'body_too_large';
}

/**
 * Makes headers only when they are read: Astro reads them only for sites that choose a language by
 * host.
 */
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
