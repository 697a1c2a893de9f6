import { dirname, resolve, sep } from 'node:path';
import { toRealPath } from './real-path.ts';

/**
 * Compiled functions in the system's temporary folder, where the loader writes them if DATA_DIR is
 * not writable.
 */
const ELSEWHERE = /[\\/]nexthop-\w+[\\/]functions\.cjs$/;

export interface SiteCodeLocations {
  /** Absolute path. */
  readonly site: string;
  readonly dataDir: string;
  /** Relative to the site, or absolute. */
  readonly astroEntry: string;
}

/**
 * Creates a function that says whether a file, by its absolute path, contains code that nexthop
 * loads for a site: compiled functions or a build of Astro.
 */
export function toSiteCode({ site, dataDir, astroEntry }: SiteCodeLocations): (path: string) => boolean {
  const folders = [dataDir, dirname(resolve(site, astroEntry))];
  // Real paths are computed per call: a folder may be created later.
  return (path) => ELSEWHERE.test(path) || folders.some((folder) => isBelow(path, folder));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep) || path.startsWith(toRealPath(folder) + sep);
}
