import type { Params } from '../../../contract/target.ts';
import { CookieJar, type Cookies } from './cookies.ts';
import { type Geo, mockGeo, toGeo } from './geo.ts';
import { headerOf } from './header-of.ts';
import type { Invocation } from './invocation.ts';
import type { Platform, ServerInfo, SiteInfo } from './platform.ts';

/** The second argument of a modern function, with the keys of the platform in its order. */
export interface Context {
  account: { id: string };
  cookies: Cookies;
  deploy: Deploy;
  flags: object;
  /** The pattern that matched; undefined on the default URL. */
  path: string | undefined;
  geo: Geo;
  ip: string;
  json(value: unknown): Response;
  log(...values: unknown[]): void;
  next(): never;
  params: Record<string, string>;
  requestId: string;
  rewrite(url: string | URL): Promise<Response>;
  server: ServerInfo;
  site: SiteInfo;
  url: URL;
  waitUntil(work: unknown): void;
}

export interface Deploy {
  branch?: string;
  context: string;
  id: string;
  published: boolean;
  skewProtectionToken?: string;
}

export interface CallContext {
  readonly context: Context;
  readonly jar: CookieJar;
}

/**
 * Creates the context of one call. Throws if `invocation.url` is no URL. All properties are plain
 * own properties, so that user code can spread, destructure, list and wrap the context. None is a
 * lazy getter: defining one on an object costs more than all of these values, including the URL.
 */
export function toContext(invocation: Invocation, platform: Platform): CallContext {
  const jar = new CookieJar(() => invocation.rawHeaders);
  const context: Context = {
    account: { id: trustedHeader(invocation, 'x-nf-account-id') },
    cookies: jar.cookies,
    deploy: toDeploy(invocation, platform),
    flags: FLAGS,
    path: invocation.route,
    geo: toClientGeo(invocation, platform),
    ip: invocation.clientAddress,
    json,
    log: logToConsole,
    next,
    params: copyParams(invocation.params),
    requestId: invocation.requestId,
    rewrite: async (target) => fetch(new URL(target, invocation.url)),
    server: { ...platform.server },
    site: { ...platform.site },
    url: invocation.parsedUrl ?? new URL(invocation.url),
    waitUntil: (...works: unknown[]) => {
      if (works.length === 0) throw new TypeError('waitUntil: At least 1 argument required, but only 0 passed');
      invocation.waitUntil(works[0]);
    },
  };
  return { context, jar };
}

/** The value of a header of a trusted peer; '' if the peer is untrusted or sent none. */
function trustedHeader({ trustedHeaders }: Invocation, name: string): string {
  return headerOf(trustedHeaders, name);
}

function toDeploy(invocation: Invocation, { isDev }: Platform): Deploy {
  const deploy: Deploy = {
    context: trustedHeader(invocation, 'x-nf-deploy-context') || (isDev ? 'dev' : ''),
    id: trustedHeader(invocation, 'x-nf-deploy-id') || (isDev ? '0' : ''),
    published: trustedHeader(invocation, 'x-nf-deploy-published') === '1',
  };
  const branch = trustedHeader(invocation, 'x-nf-branch');
  if (branch) deploy.branch = branch;
  return deploy;
}

function toClientGeo({ trusted, trustedHeaders }: Invocation, { mockCountry }: Platform): Geo {
  if (mockCountry !== undefined) return mockGeo(mockCountry);
  return trusted ? toGeo(trustedHeaders) : {};
}

/**
 * A copy, so that a function may change its own. Params of this platform's patterns are always
 * strings.
 */
function copyParams(params: Params): Record<string, string> {
  return { ...params } as Record<string, string>;
}

/** The platform's own feature flags. nexthop has none. */
class Flags {
  get(_name: string, fallback?: unknown): unknown {
    return fallback;
  }

  get evaluations(): Set<string> {
    return new Set();
  }
}

const FLAGS = Object.freeze(new Flags());

function json(value: unknown): Response {
  return Response.json(value);
}

/**
 * Logs to the console, because the log of nexthop holds only its own messages. `console.log` is
 * looked up at each call, since functions and their tests replace it.
 */
function logToConsole(...values: unknown[]): void {
  const { log } = console;
  log(...values);
}

/** Only edge functions have a next handler. */
function next(): never {
  throw new Error('`context.next` is not implemented for serverless functions');
}
