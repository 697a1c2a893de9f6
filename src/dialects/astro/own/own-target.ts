import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { hasBody } from '../../../http/headers.ts';
import { toRequestUrl } from '../../../http/request-url.ts';
import { toWebRequest } from '../../../http/web-request.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import { otherSlash } from './other-slash.ts';
import type { OwnBuild, OwnMatch, RequestView } from './own-build.ts';

export interface OwnTargetParts {
  readonly build: OwnBuild;
  /** For the access log: the build's entry. */
  readonly name: string;
  /**
   * What becomes of a request for which the build has no route. 'pass': the next target is tried. 'render': Astro answers, with its page for what is not found.
   * 'try': Astro is asked, since the site's middleware may have an answer, and a 404 passes.
   */
  readonly missing: 'pass' | 'render' | 'try';
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
  readonly #missing: OwnTargetParts['missing'];

  constructor({ build, name, missing }: OwnTargetParts) {
    this.name = name;
    this.#build = build;
    this.#missing = missing;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    return this.#missing === 'try' ? this.#try(exchange) : this.#answer(exchange);
  }

  async #answer(exchange: Exchange): Promise<Outcome> {
    const match = this.#find(exchange);
    // No page opens a WebSocket, but who is asked next may.
    if (this.#mayPass && (!match || exchange.upgrade)) return 'passed';
    if (REFUSED.has(exchange.request.method ?? '')) throw new Fault('method_refused');
    if (match?.location !== undefined) {
      await writeWebResponse(exchange, redirect(exchange, match.location));
      return 'answered';
    }
    exchange.limitBody(this.#build.bodyLimitBytes);
    if (match) exchange.limitBody(match.bodyLimitBytes);
    await writeWebResponse(exchange, await this.#render(exchange, match));
    return 'answered';
  }

  /**
   * A path with the wrong slash, or with several at its end, would be redirected whether there is anything or not; and in another server its `next` stands where the
   * hop would.
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
    await writeWebResponse(exchange, response);
    return 'answered';
  }

  get #mayPass(): boolean {
    return this.#missing === 'pass';
  }

  /** `toRequestUrl` may throw: a request whose Host is none has no page, but whoever is asked next may know better. */
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
    const request = toWebRequest(exchange);
    try {
      const response = await this.#build.render(request, {
        match,
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

/** Whether the path of a target can be decoded. @astrojs/node answers 400 to the others, and versions of Astro differ on what they make of them. */
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

/** With the status that Astro sends. */
function redirect({ request }: Exchange, location: string): Response {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  return new Response(null, { status: isRead ? 301 : 308, headers: { location } });
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
