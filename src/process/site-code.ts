import { dirname, resolve, sep } from 'node:path';
import type { Config } from '../config/config.ts';
import { toRealPath } from './real-path.ts';

/** Where the loader puts compiled functions when it cannot write below DATA_DIR. */
const ELSEWHERE = /[\\/]nexthop-\w+[\\/]functions\.mjs$/;

/** Tells whether a file, by its absolute path, holds code that nexthop loads for a site: compiled functions, or a build of Astro. */
export function toSiteCode({
  site,
  DATA_DIR,
  ASTRO_ENTRY,
}: Pick<Config, 'site' | 'DATA_DIR' | 'ASTRO_ENTRY'>): (path: string) => boolean {
  const folders = [DATA_DIR, dirname(resolve(site, ASTRO_ENTRY))];
  // Some of them are made later, so that their real paths are not known yet.
  return (path) => ELSEWHERE.test(path) || folders.some((folder) => isBelow(path, folder));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep) || path.startsWith(toRealPath(folder) + sep);
}
