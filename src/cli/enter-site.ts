import { realpathSync } from 'node:fs';
import type { Config } from '../config/config.ts';

/**
 * Makes the folder of the site the working directory, as on the platforms: functions open files
 * relative to it. The settings have absolute paths by then.
 */
export function enterSite({ site }: Pick<Config, 'site'>): void {
  try {
    process.chdir(site);
  } catch {
    // The folder is missing or is no folder; reading the site reports it.
  }
}

/**
 * A note for a start by npm in a subfolder without a given site: npm runs a script in the folder of
 * the package, so the site is not the folder in which npm was called. Undefined if that does not
 * apply.
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
    // One of the folders is missing; reading the site reports a missing site.
    return one === other;
  }
}
