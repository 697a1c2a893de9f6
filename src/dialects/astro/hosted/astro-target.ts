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
   * Which requests the target gets.
   * 'route': the path matches an on-demand route of the manifest.
   * 'unknown': there is no usable manifest; only the build itself can find out whether it has a
   * page.
   * 'not-found': the build owns every path below its base, and its 404 page is the answer.
   * 'after-fallback': no route and no next hop had an answer; the site's middleware may have one.
   */
  readonly role: 'route' | 'unknown' | 'not-found' | 'after-fallback';
  /**
   * Paths (without the base) that have no page and on which this version of Astro throws: they get
   * a 404 instead.
   */
  readonly fails?: (ownPath: string) => boolean;
}

/** Answers with what a build with @astrojs/node renders on demand. */
export class AstroTarget implements Target {
  readonly name: string;
  readonly #parts: AstroTargetParts;

  constructor(parts: AstroTargetParts) {
    this.name = parts.build.name;
    this.#parts = parts;
  }

  /**
   * `location` is set by a route when the path has the wrong slash at its end: the path of the
   * page.
   */
  async answer(exchange: Exchange, { location }: Params): Promise<Outcome> {
    const { build, role, fails } = this.#parts;
    // No page opens a WebSocket.
    if (exchange.upgrade || (role === 'after-fallback' && !mayReachMiddleware(exchange, build))) return 'passed';
    // Astro's Request throws for these methods. A standalone build with static headers would end
    // the process on TRACE.
    if (REFUSED.has(exchange.request.method ?? '')) {
      if (role === 'not-found') throw new Fault('method_refused');
      return 'passed';
    }
    // Throws for an invalid Host: Astro would take a part of it for the path.
    const url = toRequestUrl(exchange);
    const path = toMatchable(exchange.target);
    const own = path ? toOwnPath(path, build.manifest?.base ?? '') : takeUnroutable(exchange, url, build);
    if (own === undefined || fails?.(own)) {
      return role === 'after-fallback' ? 'passed' : this.#answerNotFound(exchange);
    }
    if (typeof location === 'string' && !build.redirectsSlash) return redirect(exchange, location);
    try {
      return await callHandler({
        exchange,
        handler: build.handler,
        limits: build.limits,
        isPaced: build.isPaced,
        isPage: role === 'route' && location === undefined && isPlainRead(exchange),
        bodyLimit: bodyLimitOf(exchange, build, own),
        notFound: this.#toNotFound(exchange, location !== undefined),
      });
    } catch (error) {
      throw await withPage(error, build);
    }
  }

  /** `redirects`: the page has the same path with another slash at its end. */
  #toNotFound({ request }: Exchange, redirects: boolean): HandlerCallParts['notFound'] {
    const { build, role } = this.#parts;
    // With a `next` the build would call it; without one it redirects to the page.
    if (role === 'not-found' || redirects) return 'answer';
    // With a `next` the build would call it before its middleware runs.
    if (role === 'after-fallback') return 'pass';
    if (build.mode === 'middleware') return 'next';
    if (role === 'route') return 'answer';
    // Other requests may be read or acted on before the build answers 404: they cannot go to the
    // next target.
    const isUntouched = (request.method === 'GET' || request.method === 'HEAD') && !hasBody(request);
    return isUntouched ? 'pass' : 'answer';
  }

  async #answerNotFound(exchange: Exchange): Promise<Outcome> {
    const page = await readErrorPage(this.#parts.build.client, 404);
    const headers = page ? { 'Content-Type': page.contentType } : {};
    return writeWhole(exchange, { status: 404, reason: '', headers }, page?.body);
  }
}

/** Writes a response whose body is complete. */
function writeWhole(exchange: Exchange, head: AnswerHead, body = ''): Outcome {
  // `end` writes the head at once, so no timer is left that could report a fault.
  const writer = new AnswerWriter({ exchange, isPaced: true, onFault: () => {} });
  writer.head(head);
  writer.end(body);
  return 'answered';
}

/** Redirects to `location`, a path, with the request's query and the status that Astro sends. */
function redirect(exchange: Exchange, location: string): Outcome {
  const { request, target } = exchange;
  const [path = ''] = target.split('?', 1);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const headers = { Location: location + target.slice(path.length), 'Content-Length': '0' };
  return writeWhole(exchange, { status: isRead ? 301 : 308, reason: '', headers });
}

/**
 * Whether a request that no route and no hop answered may run the site's middleware. Not in a
 * host server with a `next`, which is the fallback there. Not for a path with the wrong slash, or
 * with several slashes, at its end: Astro would redirect it even if it has no page.
 */
function mayReachMiddleware({ request, target, hostServer }: Exchange, { manifest }: HostedBuild): boolean {
  if (hostServer?.hasNext || hasBody(request)) return false;
  const [path = ''] = target.split('?', 1);
  return !path.endsWith('//') && otherSlash(path, manifest?.trailingSlash ?? 'ignore') === undefined;
}

/**
 * Rewrites the target of a path that matches no route to the form of Astro's URL: without dot
 * segments and backslashes. A standalone build looks for files by the path as it is received.
 * Returns the decoded path without the base; undefined if it is not below the base, or if decoding
 * its slashes could lead the build to a file in another folder.
 */
function takeUnroutable(exchange: Exchange, given: string, { manifest, mode }: HostedBuild): string | undefined {
  const { pathname, search } = new URL(given);
  const base = manifest?.base ?? '';
  const { path, leadsElsewhere } = decode(pathname);
  exchange.rewrite(pathname + search);
  if (!isBelow(path, base) || (mode === 'standalone' && leadsElsewhere)) return undefined;
  return path.slice(base.length) || '/';
}

/**
 * Decodes a path as Astro does. `leadsElsewhere`: it has dot segments once slashes are decoded too.
 * Throws `bad_path` for malformed escapes, to which @astrojs/node answers 400.
 */
function decode(pathname: string): { readonly path: string; readonly leadsElsewhere: boolean } {
  try {
    return { path: decodeURI(pathname), leadsElsewhere: DOTS.test(decodeURIComponent(pathname)) };
  } catch (cause) {
    throw new Fault('bad_path', { cause });
  }
}

const DOTS = /[/\\]\.\.?(?:[/\\]|$)/;

const REFUSED: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/**
 * The limit for bodies that Astro reads into memory before the site's code can refuse them
 * (CVE-2026-29772, CVE-2026-27729); 0 if there is none for this path.
 */
function bodyLimitOf({ target }: Exchange, { manifest }: HostedBuild, ownPath: string): number {
  if (ownPath.startsWith('/_server-islands/')) return manifest?.islandBodyLimit ?? UNKNOWN_LIMIT;
  if (ownPath.startsWith('/_actions/')) return manifest?.actionBodyLimit ?? UNKNOWN_LIMIT;
  return manifest && manifest.actionBodyLimit === undefined && FORM_ACTION.test(target) ? UNKNOWN_LIMIT : 0;
}

/**
 * Whether nexthop would have answered with a file of this path already: only its own rules for files apply to GET and HEAD of a path without
 * escapes, dot segments and hidden names.
 */
function isPlainRead({ request, target }: Exchange): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && PLAIN.test(target);
}

const PLAIN = /^(?:\/[\w~-][\w.~-]*)*\/?(?:\?|$)/;

/**
 * The query by which the form of a page names its action, in Astro 5 and in Astro 4. Since 5.18
 * Astro checks the limit of these itself, and the page can show the error.
 */
const FORM_ACTION = /^[^?]*\?(?:.*&)?_(?:a|astroA)ction=/;
const UNKNOWN_LIMIT = 1024 ** 2;

/** Adds the site's prerendered `500` page to a fault of the build. */
async function withPage(error: unknown, { client }: HostedBuild): Promise<unknown> {
  if (!(error instanceof Fault) || error.code !== 'function_error') return error;
  const { message, cause } = error;
  return new Fault('function_error', { message, cause, page: await readErrorPage(client, 500) });
}
