import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { toMatchable } from '../../../contract/path.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { hasBody } from '../../../http/headers.ts';
import { toRequestUrl } from '../../../http/request-url.ts';
import { otherSlash } from '../own/other-slash.ts';
import { isBelow } from '../own/unroutable.ts';
import { type AnswerHead, AnswerWriter } from './answer-writer.ts';
import { readErrorPage } from './error-pages.ts';
import type { HostedBuild } from './handler-call.ts';
import { callHandler, type HandlerCallParts } from './handler-call.ts';
import { toOwnPath } from './on-demand.ts';

export interface AstroTargetParts {
  readonly build: HostedBuild;
  /**
   * 'route': the path is one of a route. 'maybe': nobody knows but the build. 'rest': whatever comes here is its own, with its 404 page. 'leftover': neither a route
   * nor the hop has anything, but the site's middleware may.
   */
  readonly asked: 'route' | 'maybe' | 'rest' | 'leftover';
  /** Paths without base on which Astro itself would fail, of those that have no page; they are not found. */
  readonly fails?: (ownPath: string) => boolean;
}

/** What of a site @astrojs/node renders on demand. */
export class AstroTarget implements Target {
  readonly name: string;
  readonly #parts: AstroTargetParts;

  constructor(parts: AstroTargetParts) {
    this.name = parts.build.name;
    this.#parts = parts;
  }

  /** `location`, of a route: the page is there, since the path has the wrong slash at its end. */
  async answer(exchange: Exchange, { location }: Params): Promise<Outcome> {
    const { build, asked, fails } = this.#parts;
    // No page opens a WebSocket.
    if (exchange.upgrade || (asked === 'leftover' && !canBeLeftover(exchange, build))) return 'passed';
    // Astro's Request takes none of these methods: with static headers, TRACE ended the process of a build for standalone use.
    if (REFUSED.has(exchange.request.method ?? '')) {
      if (asked === 'rest') throw new Fault('method_refused');
      return 'passed';
    }
    // Astro would look for the path in what is no host.
    const url = toRequestUrl(exchange);
    const path = toMatchable(exchange.target);
    const own = path ? toOwnPath(path, build.manifest?.base ?? '') : takeUnroutable(exchange, url, build);
    if (own === undefined || fails?.(own)) return asked === 'leftover' ? 'passed' : this.#answerNotFound(exchange);
    if (typeof location === 'string' && !build.redirectsSlash) return redirect(exchange, location);
    try {
      return await callHandler({
        exchange,
        handler: build.handler,
        limits: build.limits,
        isPaced: build.isPaced,
        bodyLimit: bodyLimitOf(exchange, build, own),
        missing: this.#missing(exchange, location !== undefined),
      });
    } catch (error) {
      throw await withPage(error, build);
    }
  }

  #missing({ request }: Exchange, isElsewhere: boolean): HandlerCallParts['missing'] {
    const { build, asked } = this.#parts;
    // By `next` it would say that there is nothing; without, it redirects to where there is something.
    if (asked === 'rest' || isElsewhere) return 'answer';
    // By `next` it would say so before its middleware runs.
    if (asked === 'leftover') return 'not-found';
    if (build.mode === 'middleware') return 'next';
    if (asked === 'route') return 'answer';
    // Any other request it has read, or acted on, by the time it has not found anything.
    const canBeTakenBack = (request.method === 'GET' || request.method === 'HEAD') && !hasBody(request);
    return canBeTakenBack ? 'not-found' : 'answer';
  }

  async #answerNotFound(exchange: Exchange): Promise<Outcome> {
    const page = await readErrorPage(this.#parts.build.client, 404);
    const fields = page ? { 'Content-Type': page.contentType } : {};
    return writeWhole(exchange, { status: 404, reason: '', fields }, page?.body);
  }
}

/** An answer that is there in one piece. */
function writeWhole(exchange: Exchange, head: AnswerHead, body = ''): Outcome {
  // It ends with its head, so that nothing is left to fail later.
  const writer = new AnswerWriter({ exchange, isPaced: true, onFault: () => {} });
  writer.head(head);
  writer.end(body);
  return 'answered';
}

/** To the same query, with the status that Astro sends. */
function redirect(exchange: Exchange, location: string): Outcome {
  const { request, target } = exchange;
  const [path = ''] = target.split('?', 1);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const fields = { Location: location + target.slice(path.length), 'Content-Length': '0' };
  return writeWhole(exchange, { status: isRead ? 301 : 308, reason: '', fields });
}

/**
 * Whether middleware may be all that answers. A path with the wrong slash, or with several at its end, would be redirected whether there is anything or not; and in
 * another server its `next` stands where the hop would.
 */
function canBeLeftover({ request, target, hostServer }: Exchange, { manifest }: HostedBuild): boolean {
  if (hostServer?.hasNext || hasBody(request)) return false;
  const [path = ''] = target.split('?', 1);
  return !path.endsWith('//') && otherSlash(path, manifest?.trailingSlash ?? 'ignore') === undefined;
}

/**
 * Gives a build a path that matches no route in the form that Astro's own URL has, without dot segments and backslashes, since a build for standalone use looks for files
 * by the path as it was received. Resolves it without base; undefined if it is not below the base, or would only then lead to another folder when a file is looked for.
 */
function takeUnroutable(exchange: Exchange, given: string, { manifest, mode }: HostedBuild): string | undefined {
  const { pathname, search } = new URL(given);
  const base = manifest?.base ?? '';
  const { path, leadsElsewhere } = decode(pathname);
  exchange.rewrite(pathname + search);
  if (!isBelow(path, base) || (mode === 'standalone' && leadsElsewhere)) return undefined;
  return path.slice(base.length) || '/';
}

/** As Astro decodes it, and whether dot segments appear when slashes are decoded too. Throws `bad_path` for malformed escapes, to which @astrojs/node answers 400. */
function decode(pathname: string): { readonly path: string; readonly leadsElsewhere: boolean } {
  try {
    return { path: decodeURI(pathname), leadsElsewhere: DOTS.test(decodeURIComponent(pathname)) };
  } catch (cause) {
    throw new Fault('bad_path', { cause });
  }
}

const DOTS = /[/\\]\.\.?(?:[/\\]|$)/;

const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/** What Astro reads whole into memory before anything of the site's can say no (CVE-2026-29772, CVE-2026-27729). */
function bodyLimitOf({ target }: Exchange, { manifest }: HostedBuild, ownPath: string): number {
  if (ownPath.startsWith('/_server-islands/')) return manifest?.islandBodyLimit ?? UNKNOWN_LIMIT;
  if (ownPath.startsWith('/_actions/')) return manifest?.actionBodyLimit ?? UNKNOWN_LIMIT;
  return manifest && manifest.actionBodyLimit === undefined && FORM_ACTION.test(target) ? UNKNOWN_LIMIT : 0;
}

/** A page's form names its action so: Astro 5, and 4. Since Astro 5.18 Astro holds it to the limit itself, and the page can say so. */
const FORM_ACTION = /^[^?]*\?(?:.*&)?_(?:a|astroA)ction=/;
const UNKNOWN_LIMIT = 1024 ** 2;

/** A build that fails behind its own pages for errors still has them. */
async function withPage(error: unknown, { client }: HostedBuild): Promise<unknown> {
  if (!(error instanceof Fault) || error.code !== 'function_error') return error;
  const { message, cause } = error;
  return new Fault('function_error', { message, cause, page: await readErrorPage(client, 500) });
}
