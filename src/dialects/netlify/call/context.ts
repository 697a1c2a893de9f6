import type { Params } from '../../../contract/target.ts';
import { CookieJar, type Cookies } from './cookies.ts';
import { type Geo, mockGeo, toGeo } from './geo.ts';
import { headerOf } from './header-of.ts';
import type { Invocation } from './invocation.ts';
import type { Platform, ServerInfo, SiteInfo } from './platform.ts';

/** What a modern function is called with beside its request: the keys of the platform, in its order. */
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
  log(...words: unknown[]): void;
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
 * The context of one call, whose URL must be one. All its properties are plain and its own, so that it can be spread, destructured, listed and wrapped.
 * None is made late: a getter on an object costs more than all that stands here, a URL included.
 */
export function toContext(invocation: Invocation, platform: Platform): CallContext {
  const jar = new CookieJar(invocation.rawHeaders);
  const context: Context = {
    account: { id: told(invocation, 'x-nf-account-id') },
    cookies: jar.cookies,
    deploy: toDeploy(invocation, platform),
    flags: FLAGS,
    path: invocation.route,
    geo: toLocation(invocation, platform),
    ip: invocation.clientAddress,
    json,
    log: tell,
    next,
    params: toTexts(invocation.params),
    requestId: invocation.requestId,
    rewrite: async (target) => fetch(new URL(target, invocation.url)),
    server: { ...platform.server },
    site: { ...platform.site },
    url: new URL(invocation.url),
    waitUntil: (...works: unknown[]) => {
      if (works.length === 0) throw new TypeError('waitUntil: At least 1 argument required, but only 0 passed');
      invocation.waitUntil(works[0]);
    },
  };
  return { context, jar };
}

/** What a peer says that is believed; '' for nothing. */
function told({ trusted, rawHeaders }: Invocation, name: string): string {
  return trusted ? headerOf(rawHeaders, name) : '';
}

function toDeploy(invocation: Invocation, { isDev }: Platform): Deploy {
  const deploy: Deploy = {
    context: told(invocation, 'x-nf-deploy-context') || (isDev ? 'dev' : ''),
    id: told(invocation, 'x-nf-deploy-id') || (isDev ? '0' : ''),
    published: told(invocation, 'x-nf-deploy-published') === '1',
  };
  const branch = told(invocation, 'x-nf-branch');
  if (branch) deploy.branch = branch;
  return deploy;
}

function toLocation({ trusted, rawHeaders }: Invocation, { mockCountry }: Platform): Geo {
  if (mockCountry !== undefined) return mockGeo(mockCountry);
  return trusted ? toGeo(rawHeaders) : {};
}

/** A copy, so that a function may write into its own. Patterns of the platform give texts alone. */
function toTexts(params: Params): Record<string, string> {
  return { ...params } as Record<string, string>;
}

/** The platform's own switches, of which there are none here. */
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

/** Where the function's own words go: nexthop's log is for nexthop's. Looked up late, as functions and their tests replace it. */
function tell(...words: unknown[]): void {
  const { log } = console;
  log(...words);
}

/** Only edge functions have somebody behind them. */
function next(): never {
  throw new Error('`context.next` is not implemented for serverless functions');
}
