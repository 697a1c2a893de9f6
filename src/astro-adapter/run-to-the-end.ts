import { exit } from '../cli/exit.ts';
import { explain } from '../cli/explain.ts';
import { start } from '../cli/start.ts';
import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { readOwnConfig, toEdgeOptions } from './own-site.ts';

/** The life of `node dist/server/entry.mjs`: serves until a signal ends it, then ends the process. What keeps it from starting is said on stderr. */
export async function runToTheEnd(open: () => OwnBuild, settings: BuildSettings): Promise<never> {
  try {
    const build = open();
    const config = readOwnConfig(build, settings);
    keepSessionsBy(config);
    const out = (line: string): void => void process.stdout.write(`${line}\n`);
    return exit(await start(config, out, toEdgeOptions(build, config)));
  } catch (error) {
    process.stderr.write(`nexthop: ${explain(error)}\n`);
    return exit(1);
  }
}
