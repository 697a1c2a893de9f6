import { dirname, resolve, sep } from 'node:path';
import type { Config } from '../config/config.ts';
import { toRealPath } from './real-path.ts';

/**
 * Compiled functions in the system's temporary folder, where the loader writes them if DATA_DIR is
 * not writable.
 */
const ELSEWHERE = /[\\/]nexthop-\w+[\\/]functions\.mjs$/;

/**
 * Creates a function that says whether a file, by its absolute path, contains code that nexthop
 * loads for a site: compiled functions or a build of Astro.
 */
export function toSiteCode({
  site,
  DATA_DIR,
  ASTRO_ENTRY,
}: Pick<Config, 'site' | 'DATA_DIR' | 'ASTRO_ENTRY'>): (path: string) => boolean {
  const folders = [DATA_DIR, dirname(resolve(site, ASTRO_ENTRY))];
  // Real paths are computed per call: a folder may be created later.
  return (path) => ELSEWHERE.test(path) || folders.some((folder) => isBelow(path, folder));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep) || path.startsWith(toRealPath(folder) + sep);
}
