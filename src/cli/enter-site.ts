import { realpathSync } from 'node:fs';
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

/**
 * Why the site is not the folder in which npm was called, where that is so and no site was given: npm runs a package's script in the package's
 * folder, also when it is called from a folder inside. Undefined otherwise.
 */
export function explainSite({ site, functionEnv }: Pick<Config, 'site' | 'functionEnv'>): string | undefined {
  const calledIn = functionEnv.INIT_CWD;
  if (calledIn === undefined || isSameFolder(site, calledIn)) return undefined;
  return `npm runs the command in ${site}, so this is the site, and not ${calledIn}: name another one with --site=PATH`;
}

function isSameFolder(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    // One of them is not there; what reads the site says so of the site.
    return one === other;
  }
}
