export type TrailingSlash = 'always' | 'never' | 'ignore';

/**
 * The path with the slash at its end that Astro would redirect to; undefined if it does not
 * redirect. Both paths are encoded and have the base. A path that looks like a file, or that Astro
 * reserves, gets no slash.
 */
export function otherSlash(path: string, trailingSlash: TrailingSlash): string | undefined {
  if (path === '/' || trailingSlash === 'ignore' || INTERNAL.test(path)) return undefined;
  const isSlashed = path.endsWith('/');
  if (trailingSlash === 'never') return isSlashed ? path.slice(0, -1) : undefined;
  return isSlashed || FILE.test(path) ? undefined : `${path}/`;
}

/** The same expressions as in Astro since 5.5 (`isInternalPath`, `hasFileExtension`). */
const INTERNAL = /^\/[_@./\\]/;
const FILE = /\/[^/]+\.\w+$/;
