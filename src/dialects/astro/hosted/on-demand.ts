import type { MatchablePath } from '../../../contract/path.ts';
import { otherSlash } from '../own/other-slash.ts';
import type { Manifest, ManifestRoute } from './manifest.ts';

/** A route that is answered when it is asked for. */
export interface OnDemand {
  readonly route: ManifestRoute;
  /** How Astro answers this path by it; undefined where it does not. Routes before it are not looked at. */
  fits(path: MatchablePath): Fit | undefined;
}

export interface Fit {
  /** Where the page is, encoded and without query, if the path has the wrong slash at its end. */
  readonly location?: string;
}

/**
 * The on-demand routes of a build, in Astro's order. `looksPast`: a prerendered route that fits the path, but has no file there, hides none behind it; otherwise it does, and
 * Astro fails on it.
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
    // The base itself has one path of its own for both forms.
    if (own === '/') return answers(own) ? { ...(location !== undefined && { location }) } : undefined;
    if (answers(own)) return HERE;
    return location !== undefined && answers(toggled(own)) ? { location } : undefined;
  };
}

const HERE: Fit = Object.freeze({});

function toggled(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
}

/** A path below the base without it, and with the slash at its end if it has one. */
export function toOwnPath({ text, slashed }: MatchablePath, base: string): string {
  const own = text.slice(base.length);
  if (own === '' || own === '/') return '/';
  return slashed ? `${own}/` : own;
}
