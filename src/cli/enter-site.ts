import type { Config } from '../config/config.ts';

/**
 * Makes the site's folder the working directory, as it is on the platforms: functions open files by paths from there. The settings hold whole paths
 * by then.
 */
export function enterSite({ site }: Pick<Config, 'site'>): void {
  try {
    process.chdir(site);
  } catch {
    // It is not there, or no folder; whoever reads the site says so.
  }
}
