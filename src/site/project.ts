import type { Config } from '../config.ts';
import type { Project } from '../dialects/dialect.ts';
import type { Log } from '../log/log.ts';

/** What the dialects get to see of the site and its settings. */
export function openProject(config: Config, log: Log): Project {
  return { root: config.site, dataDir: config.DATA_DIR, log, region: config.REGION, env: config.functionEnv };
}
