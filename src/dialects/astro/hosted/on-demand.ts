import type { MatchablePath } from '../../../contract/path.ts';
import type { Manifest, ManifestRoute } from './manifest.ts';

/** A route that is answered when it is asked for. */
export interface OnDemand {
  readonly route: ManifestRoute;
  /** Whether Astro answers this path by it, as it is or by leading to the same path with or without a slash. Routes before it are not looked at. */
  fits(path: MatchablePath): boolean;
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
  return (path) => {
    const own = toOwnPath(path, manifest.base);
    const answered = [own, ...otherSlash(own, manifest.trailingSlash)].find((each) => route.pattern.test(each));
    return answered !== undefined && !hidden.some(({ pattern }) => pattern.test(answered));
  };
}

/** A path below the base without it, and with the slash at its end if it has one. */
export function toOwnPath({ text, slashed }: MatchablePath, base: string): string {
  const own = text.slice(base.length);
  if (own === '' || own === '/') return '/';
  return slashed ? `${own}/` : own;
}

/** The path to which Astro leads from this one, if it does; both without base. */
export function otherSlash(path: string, trailingSlash: Manifest['trailingSlash']): readonly string[] {
  const slashed = path.endsWith('/');
  if (path === '/' || trailingSlash === 'ignore') return [];
  if (trailingSlash === 'never') return slashed ? [path.slice(0, -1)] : [];
  return slashed || EXTENSION.test(path) ? [] : [`${path}/`];
}

const EXTENSION = /\.[^/]+$/;
