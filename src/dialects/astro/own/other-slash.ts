export type TrailingSlash = 'always' | 'never' | 'ignore';

/**
 * The path to which Astro redirects from this one, which differs by the slash at its end; undefined where it does not. Both are encoded and with the base. The name of
 * a file gets no slash, and neither does a path that Astro keeps for itself.
 */
export function otherSlash(path: string, trailingSlash: TrailingSlash): string | undefined {
  if (path === '/' || trailingSlash === 'ignore' || INTERNAL.test(path)) return undefined;
  const isSlashed = path.endsWith('/');
  if (trailingSlash === 'never') return isSlashed ? path.slice(0, -1) : undefined;
  return isSlashed || FILE.test(path) ? undefined : `${path}/`;
}

/** Both as Astro has them since 5.5 (`isInternalPath`, `hasFileExtension`). */
const INTERNAL = /^\/[_@./\\]/;
const FILE = /\/[^/]+\.\w+$/;
