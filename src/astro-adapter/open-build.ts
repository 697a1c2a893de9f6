import { join } from 'node:path';
import type { OwnBuild, OwnRoute, RequestView } from '../dialects/astro/own/own-build.ts';
import type { BuildSettings } from './build-settings.ts';
import { errorPages } from './error-page.ts';
import { readMark } from './static-headers.ts';

/** As much of Astro's app, of either version, as is used here. */
export interface AstroApp {
  readonly manifest: {
    readonly routes: readonly { readonly routeData: AstroRoute }[];
    readonly serverIslandBodySizeLimit?: number;
  };
  /** Prerendered routes too, if `withPrerendered`. */
  match(request: RequestView, withPrerendered: boolean): AstroRoute | undefined;
  render(request: Request, options: AstroRenderOptions): Promise<Response>;
}

export interface AstroRoute {
  readonly route: string;
  readonly type: OwnRoute['type'];
  readonly prerender: boolean;
}

interface AstroRenderOptions {
  readonly addCookieHeader: true;
  readonly clientAddress: string;
  readonly locals?: object;
  readonly routeData?: object;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly prerenderedErrorPageFetch: (url: string) => Promise<Response>;
}

export interface BuildParts {
  /** Of any module of the build. */
  readonly url: string;
  readonly settings: BuildSettings;
  readonly app: AstroApp;
}

/** Makes of Astro's app, and of where its build stands now, what can be hosted. Throws an Error that says what of the build is missing. */
export function openBuild({ url, settings, app }: BuildParts): OwnBuild {
  const { folder, headers } = readMark(url);
  const { base, trailingSlash, buildFormat, assetsDir, bodyLimitBytes, errorPageOrigin } = settings;
  const client = join(folder, settings.client);
  const prerenderedErrorPageFetch = errorPages({ client, headers, origin: errorPageOrigin });
  return {
    entry: join(folder, settings.entry),
    client,
    base,
    trailingSlash,
    buildFormat,
    assetsDir,
    headers,
    bodyLimitBytes,
    islandBodyLimitBytes: app.manifest.serverIslandBodySizeLimit ?? MEBIBYTE,
    routes: app.manifest.routes.map(({ routeData }) => toOwnRoute(routeData)),
    match: (request) => {
      if (!URL.canParse(request.url)) return undefined;
      return onDemand(app, request) ?? (trailingSlash === 'ignore' ? undefined : onDemand(app, otherSlash(request)));
    },
    render: (request, { route, clientAddress, locals, waitUntil }) =>
      app.render(isBelow(request.url, base) ? request : notFound(request, settings), {
        addCookieHeader: true,
        clientAddress,
        waitUntil,
        prerenderedErrorPageFetch,
        ...(locals && { locals }),
        ...(route && { routeData: route }),
      }),
  };
}

/** As Astro has it itself since version 6; Astro 5 reads all of such a body. */
const MEBIBYTE = 1024 ** 2;

function toOwnRoute({ route, type, prerender }: AstroRoute): OwnRoute {
  return { pattern: route, type, isPrerendered: isFile({ type, prerender }) };
}

/** A page that is a file may hide one that is rendered: `/blog/first` behind `/blog/[slug]`. */
function onDemand(app: AstroApp, request: RequestView): AstroRoute | undefined {
  const route = app.match(request, true);
  return route && isFile(route) ? app.match(request, false) : route;
}

/** A redirect is rendered, whatever it says of itself: no file is made of it. */
function isFile({ type, prerender }: Pick<AstroRoute, 'type' | 'prerender'>): boolean {
  return prerender && (type === 'page' || type === 'endpoint');
}

/** Astro leads from the address that a site does not want to the one that it does; but only whoever asks for the latter matches. */
function otherSlash(request: RequestView): RequestView {
  const url = new URL(request.url);
  url.pathname = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : `${url.pathname}/`;
  return {
    url: url.href,
    get headers() {
      return request.headers;
    },
  };
}

/** A base ends where a segment does: `/shop` is not that of `/shopping`. */
function isBelow(url: string, base: string): boolean {
  return `${new URL(url).pathname}/`.startsWith(`${base}/`);
}

/** Astro 5 looks for a page under any path, with the base or without. This one has a page nowhere. */
function notFound(request: Request, { base, trailingSlash }: BuildSettings): Request {
  const url = new URL(`${base}/404${trailingSlash === 'always' ? '/' : ''}`, request.url);
  return new Request(url, { headers: request.headers });
}
