import { join } from 'node:path';
import { otherSlash } from '../dialects/astro/own/other-slash.ts';
import type { OwnBuild, OwnMatch, OwnRoute, RequestView } from '../dialects/astro/own/own-build.ts';
import { isBelow } from '../dialects/astro/own/unroutable.ts';
import { readBuildFile } from './build-file.ts';
import type { BuildSettings } from './build-settings.ts';
import { errorPages } from './error-page.ts';

/** The part of Astro's app, of any version, that is used here. */
export interface AstroApp {
  /** `withPrerendered`: also matches prerendered routes. Older versions ignore it. */
  match(request: RequestView, withPrerendered: boolean): AstroRoute | undefined;
  render(request: Request, options: AstroRenderOptions): Promise<Response>;
}

/**
 * The part of a build's manifest that is used here. The app has it as a property only since Astro
 * 5.14.
 */
export interface AstroManifest {
  readonly routes: readonly { readonly routeData: AstroRoute }[];
  /** Since Astro 5.18, which checks the limit itself. */
  readonly actionBodySizeLimit?: number;
  /** Since Astro 6. */
  readonly serverIslandBodySizeLimit?: number;
}

/** What the entry of a build creates with Astro. */
export interface AstroParts {
  readonly app: AstroApp;
  readonly manifest: AstroManifest;
  /** For Astro before 5.6, where `render` has no option for it. */
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
  /** URL of any module of the build. */
  readonly url: string;
  readonly settings: BuildSettings;
  readonly astro: AstroParts;
}

/**
 * Combines Astro's app with the current location of its build. Throws an Error that says what of
 * the build is missing.
 */
export function openBuild({ url, settings, astro }: BuildParts): OwnBuild {
  const { folder, headers, unmatchedMethods } = readBuildFile(url);
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
      const target = URL.parse(request.url);
      if (!target || !isBelow(target.pathname, base)) return undefined;
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
      // What has a match is below the base.
      app.render(match || isBelow(new URL(request.url).pathname, base) ? request : notFound(request, settings), {
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
/** The query parameter by which a form names its action. */
const FORM_ACTION = '_action';

/** The default limit of later versions of Astro. Earlier ones read such a body without a limit. */
const MEBIBYTE = 1024 ** 2;

function bodyLimitOf({ route }: AstroRoute, { searchParams }: URL, manifest: AstroManifest): number {
  if (route === ISLANDS) return manifest.serverIslandBodySizeLimit ?? MEBIBYTE;
  const isAction = route === ACTIONS || searchParams.has(FORM_ACTION);
  return isAction && manifest.actionBodySizeLimit === undefined ? MEBIBYTE : 0;
}

function toOwnRoute({ route, type, prerender }: AstroRoute): OwnRoute {
  return { pattern: route, type, isPrerendered: isFile({ type, prerender }) };
}

/**
 * Finds an on-demand route. A prerendered route that matches first, e.g. `/blog/first`, may hide
 * it: `/blog/[slug]`.
 */
function onDemand(app: AstroApp, request: RequestView): AstroRoute | undefined {
  const route = app.match(request, true);
  return route && isFile(route) ? app.match(request, false) : route;
}

/**
 * Whether a file answers. Astro marks redirects as prerendered, but the build has no files for
 * them.
 */
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

/**
 * A request for a path that has no page. Astro 5 would also find pages for paths without the base.
 */
function notFound(request: Request, { base, trailingSlash }: BuildSettings): Request {
  const url = new URL(`${base}/404${trailingSlash === 'always' ? '/' : ''}`, request.url);
  return new Request(url, { headers: request.headers });
}
