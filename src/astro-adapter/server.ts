import '../config/require-node.ts';
import { exit } from '../cli/exit.ts';
import { explain } from '../cli/explain.ts';
import { start } from '../cli/start.ts';
import { processEnv } from '../config/config.ts';
import type { OwnBuild, OwnEntry } from '../dialects/astro/own/own-build.ts';
import { EmbeddedEdge } from '../embed/embedded.ts';
import type { MiddlewareArguments } from '../embed/middleware.ts';
import { openHostLog } from '../log/host-log.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { type AstroParts, openBuild } from './open-build.ts';
import { readEmbedConfig, readOwnConfig, toEdgeOptions, toEmbedOptions } from './own-site.ts';
import { type RunningServer, type StartOptions, startServer } from './start-server.ts';

export interface EntryParts {
  /** Of any module of the build. */
  readonly url: string;
  readonly settings: BuildSettings;
  readonly createApp: () => AstroParts;
}

/** What the entry of a build exports. */
export interface EntryExports {
  /** For programs that have a server already. */
  readonly handler: Handler;
  /** Listens; for programs that start the server themselves. Resolves when it does. */
  readonly startServer: (options?: StartOptions) => Promise<RunningServer>;
  readonly options: BuildSettings;
  /** For nexthop, when it hosts the build. */
  readonly nexthop: OwnEntry;
}

/**
 * Makes the exports of an entry. In standalone mode it also starts the server, as `node dist/server/entry.mjs` promises, unless ASTRO_NODE_AUTOSTART is `disabled`:
 * the name is that of @astrojs/node, so that programs which import either build are alike.
 */
export function createEntry({ url, settings, createApp }: EntryParts): EntryExports {
  let build: OwnBuild | undefined;
  const open = (): OwnBuild => {
    build ??= openBuild({ url, settings, astro: createApp() });
    return build;
  };
  const nexthop: OwnEntry = { version: 1, mode: settings.mode, open };
  const starts = settings.mode === 'standalone' && processEnv().ASTRO_NODE_AUTOSTART !== 'disabled';
  // Behind the module's end: until then parts of the build that import each other are not whole.
  if (starts) setImmediate(() => void runToTheEnd(open, settings));
  return {
    handler: lazyHandler(open, settings),
    startServer: (options) => startServer(open(), settings, options),
    options: settings,
    nexthop,
  };
}

/** For `astro:env`: secrets are those of the process that serves the site, not of the machine that built it. */
export function readEnv(name: string): string | undefined {
  return processEnv()[name];
}

/**
 * What Express and its like call. Answers with all that the build has, its files too, and calls `next` for everything else; where nobody stands behind, Astro tells
 * that there is nothing. `locals` become `Astro.locals`. Rejects with what keeps the build from being opened, or with what `next` throws.
 */
// Not four parameters: Express takes such a function for one that handles errors.
export type Handler = (...given: MiddlewareArguments) => Promise<void>;

/** A handler that opens the build when it is first called: a program may import a build and never use it. */
function lazyHandler(open: () => OwnBuild, settings: BuildSettings): Handler {
  let guest: Promise<EmbeddedEdge> | undefined;
  return async (...given) => {
    guest ??= openEmbeddedEdge(open(), settings);
    await (await guest).serve(...given);
  };
}

async function openEmbeddedEdge(build: OwnBuild, settings: BuildSettings): Promise<EmbeddedEdge> {
  const config = readEmbedConfig(build, settings);
  keepSessionsBy(config);
  const { LOG_DIR: dir, LOG_LEVEL: level, LOG_STDOUT: stdout, LOG_SHORT_ADDRESSES: shortAddresses } = config;
  return EmbeddedEdge.open({
    config,
    log: openHostLog(undefined, { dir, level, stdout, shortAddresses, site: config.site }),
    isTrusted: config.TRUSTED_PROXIES,
    ...toEmbedOptions(build, config),
  });
}

/** The life of `node dist/server/entry.mjs`: serves until a signal ends it, then ends the process. What keeps it from starting is said on stderr. */
async function runToTheEnd(open: () => OwnBuild, settings: BuildSettings): Promise<never> {
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
