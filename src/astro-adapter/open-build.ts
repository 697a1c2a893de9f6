import { join } from 'node:path';
import { otherSlash } from '../dialects/astro/own/other-slash.ts';
import type { OwnBuild, OwnMatch, OwnRoute, RequestView } from '../dialects/astro/own/own-build.ts';
import { isBelow } from '../dialects/astro/own/unroutable.ts';
import { readMark } from './build-file.ts';
import type { BuildSettings } from './build-settings.ts';
import { errorPages } from './error-page.ts';

/** As much of Astro's app, of any version, as is used here. */
export interface AstroApp {
  /** Prerendered routes too, if `withPrerendered`, where a version knows that parameter. */
  match(request: RequestView, withPrerendered: boolean): AstroRoute | undefined;
  render(request: Request, options: AstroRenderOptions): Promise<Response>;
}

/** As much of a build's manifest as is used here. The app itself shows it since Astro 5.14 only. */
export interface AstroManifest {
  readonly routes: readonly { readonly routeData: AstroRoute }[];
  /** Since Astro 5.18. Astro then answers a larger body itself. */
  readonly actionBodySizeLimit?: number;
  /** Since Astro 6. */
  readonly serverIslandBodySizeLimit?: number;
}

/** What the entry of a build opens. */
export interface AstroParts {
  readonly app: AstroApp;
  readonly manifest: AstroManifest;
  /** For Astro before 5.6, whose `render` has no option for it. */
  readonly setErrorPageFetch?: (fetchPage: (url: string) => Promise<Response>) => void;
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
  readonly astro: AstroParts;
}

/** Makes of Astro's app, and of where its build stands now, what can be hosted. Throws an Error that says what of the build is missing. */
export function openBuild({ url, settings, astro }: BuildParts): OwnBuild {
  const { folder, headers, unmatchedMethods } = readMark(url);
  const { base, trailingSlash, buildFormat, assetsDir, bodyLimitBytes, errorPageOrigin } = settings;
  const { app, manifest } = astro;
  const client = join(folder, settings.client);
  const prerenderedErrorPageFetch = errorPages({ client, headers, origin: errorPageOrigin });
  astro.setErrorPageFetch?.(prerenderedErrorPageFetch);
  return {
    entry: join(folder, settings.entry),
    client,
    base,
    trailingSlash,
    buildFormat,
    assetsDir,
    headers,
    unmatchedMethods,
    bodyLimitBytes,
    routes: manifest.routes.map(({ routeData }) => toOwnRoute(routeData)),
    match: (request) => {
      if (!URL.canParse(request.url)) return undefined;
      const target = new URL(request.url);
      if (!isBelow(target.pathname, base)) return undefined;
      const toMatch = (route: AstroRoute): OwnMatch => ({
        route,
        bodyLimitBytes: bodyLimitOf(route, target, manifest),
      });
      const route = onDemand(app, request);
      if (route) return toMatch(route);
      const location = otherSlash(target.pathname, trailingSlash);
      const other = location === undefined ? undefined : onDemand(app, atPath(request, location));
      return other && { ...toMatch(other), location: `${location}${target.search}` };
    },
    render: (request, { match, clientAddress, locals, waitUntil }) =>
      app.render(isBelow(new URL(request.url).pathname, base) ? request : notFound(request, settings), {
        addCookieHeader: true,
        clientAddress,
        waitUntil,
        prerenderedErrorPageFetch,
        ...(locals && { locals }),
        ...(match && { routeData: match.route }),
      }),
  };
}

const ISLANDS = '/_server-islands/[name]';
const ACTIONS = '/_actions/[...path]';
/** By which a form names the action that takes it. */
const FORM_ACTION = '_action';

/** As later versions of Astro have it themselves; earlier ones read all of such a body. */
const MEBIBYTE = 1024 ** 2;

function bodyLimitOf({ route }: AstroRoute, { searchParams }: URL, manifest: AstroManifest): number {
  if (route === ISLANDS) return manifest.serverIslandBodySizeLimit ?? MEBIBYTE;
  const isAction = route === ACTIONS || searchParams.has(FORM_ACTION);
  return isAction && manifest.actionBodySizeLimit === undefined ? MEBIBYTE : 0;
}

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

/** The same request for another path, without query. */
function atPath(request: RequestView, path: string): RequestView {
  return {
    url: new URL(path, request.url).href,
    get headers() {
      return request.headers;
    },
  };
}

/** Astro 5 looks for a page under any path, with the base or without. This one has a page nowhere. */
function notFound(request: Request, { base, trailingSlash }: BuildSettings): Request {
  const url = new URL(`${base}/404${trailingSlash === 'always' ? '/' : ''}`, request.url);
  return new Request(url, { headers: request.headers });
}
