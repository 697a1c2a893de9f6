import type { MatchablePath } from '../../../contract/path.ts';
import { otherSlash } from '../own/other-slash.ts';
import type { Manifest, ManifestRoute } from './manifest.ts';

/** A route that Astro renders per request. */
export interface OnDemand {
  readonly route: ManifestRoute;
  /**
   * How this route answers a path; undefined if it does not. Does not check whether an earlier
   * route matches too.
   */
  fits(path: MatchablePath): Fit | undefined;
}

export interface Fit {
  /**
   * Path of the page, encoded and without query, if the requested path has the wrong slash at its
   * end.
   */
  readonly location?: string;
}

/**
 * The on-demand routes of a build, in Astro's order. `looksPast`: this version of Astro tries later
 * routes when a prerendered route matches a path but has no file for it. Other versions try none,
 * and throw.
 */
export function onDemandRoutes(manifest: Manifest, looksPast: boolean): readonly OnDemand[] {
  const found: OnDemand[] = [];
  const hidden: ManifestRoute[] = [];
  for (const route of manifest.routes.flatMap((each) => [each, ...each.fallbackRoutes])) {
    if (route.isPrerendered) hidden.push(route);
    else found.push({ route, fits: toFits(manifest, route, looksPast ? [] : [...hidden]) });
  }
  return found;
}

function toFits(manifest: Manifest, route: ManifestRoute, hidden: readonly ManifestRoute[]): OnDemand['fits'] {
  const { base, trailingSlash } = manifest;
  const answers = (own: string): boolean => route.pattern.test(own) && !hidden.some(({ pattern }) => pattern.test(own));
  return (path) => {
    const own = toOwnPath(path, base);
    const location = otherSlash(path.slashed ? `${path.raw}/` : path.raw, trailingSlash);
    // `/base` and `/base/` are the same path for Astro's patterns: `/`.
    if (own === '/') return answers(own) ? { ...(location !== undefined && { location }) } : undefined;
    if (answers(own)) return HERE;
    return location !== undefined && answers(toggled(own)) ? { location } : undefined;
  };
}

const HERE: Fit = Object.freeze({});

function toggled(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
}

/** Removes the base from a path below it; keeps a slash at its end. */
export function toOwnPath({ text, slashed }: MatchablePath, base: string): string {
  const own = text.slice(base.length);
  if (own === '' || own === '/') return '/';
  return slashed ? `${own}/` : own;
}
