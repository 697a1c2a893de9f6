/// <reference types="node" preserve="true" />
import '../config/require-node.ts';
import { exit } from '../cli/exit.ts';
import { explain, toExitCode } from '../cli/explain.ts';
import { start } from '../cli/start.ts';
import { processEnv } from '../config/config.ts';
import type { OwnBuild, OwnEntry } from '../dialects/astro/own/own-build.ts';
import { EmbeddedEdge } from '../embed/embedded.ts';
import type { MiddlewareArguments } from '../embed/middleware.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { type AstroParts, openBuild } from './open-build.ts';
import { readEmbedConfig, readOwnConfig, toEdgeOptions, toEmbedOptions } from './own-site.ts';
import { type RunningServer, type StartOptions, startServer } from './start-server.ts';

export interface EntryParts {
  /** URL of any module of the build. */
  readonly url: string;
  readonly settings: BuildSettings;
  readonly createApp: () => AstroParts;
}

/** What the entry of a build exports. */
export interface EntryExports {
  /** For programs that have a server. */
  readonly handler: Handler;
  /** Starts a server in a program that imports the build. Resolves when it listens. */
  readonly startServer: (options?: StartOptions) => Promise<RunningServer>;
  readonly options: BuildSettings;
  /** For nexthop, when it hosts the build. */
  readonly nexthop: OwnEntry;
}

/**
 * Creates the exports of an entry. In standalone mode also starts the server, so that
 * `node dist/server/entry.mjs` serves the site, unless ASTRO_NODE_AUTOSTART is `disabled`. That
 * variable is the one of @astrojs/node, so that programs can import either build in the same way.
 */
export function createEntry({ url, settings, createApp }: EntryParts): EntryExports {
  let build: OwnBuild | undefined;
  const open = (): OwnBuild => {
    build ??= openBuild({ url, settings, astro: createApp() });
    return build;
  };
  const nexthop: OwnEntry = { version: 1, mode: settings.mode, open };
  const starts = settings.mode === 'standalone' && processEnv().ASTRO_NODE_AUTOSTART !== 'disabled';
  // After the entry is evaluated: until then modules that import each other in a circle are
  // incomplete.
  if (starts) setImmediate(() => void runServer(open, settings));
  return {
    handler: lazyHandler(open, settings),
    startServer: (options) => startServer(open(), settings, options),
    options: settings,
    nexthop,
  };
}

/**
 * Reads a secret of `astro:env` from the environment of the process that serves the site, not of
 * the machine that built it.
 */
export function readEnv(name: string): string | undefined {
  return processEnv()[name];
}

/**
 * A request handler for servers such as Express: `handler(request, response, next, locals)`.
 * Answers with the build's routes and files, and calls `next` for other requests; without a `next`,
 * Astro's 404 page answers. `locals` becomes `Astro.locals`. Rejects with the error that prevents
 * the build from opening, or with what `next` throws.
 */
// Not declared with four parameters: Express takes such a function for an error handler.
export type Handler = (...given: MiddlewareArguments) => Promise<void>;

/**
 * Opens the build at the first call of the handler: a program may import a build and never use it.
 */
function lazyHandler(open: () => OwnBuild, settings: BuildSettings): Handler {
  let edge: Promise<EmbeddedEdge> | undefined;
  return async (...given) => {
    edge ??= openEmbeddedEdge(open(), settings);
    await (await edge).serve(...given);
  };
}

async function openEmbeddedEdge(build: OwnBuild, settings: BuildSettings): Promise<EmbeddedEdge> {
  const config = readEmbedConfig(build, settings);
  keepSessionsBy(config);
  return EmbeddedEdge.open({
    config,
    isTrusted: config.TRUSTED_PROXIES,
    ...toEmbedOptions(build, config),
  });
}

/**
 * Serves the build until a signal, then ends the process. If the start fails, prints the reason to
 * stderr and exits with the code that `nexthop start` has for it.
 */
async function runServer(open: () => OwnBuild, settings: BuildSettings): Promise<never> {
  try {
    const build = open();
    const config = readOwnConfig(build, settings);
    keepSessionsBy(config);
    const out = (line: string): void => void process.stdout.write(`${line}\n`);
    return exit(await start(config, out, toEdgeOptions(build, config)));
  } catch (error) {
    process.stderr.write(`nexthop: ${explain(error)}\n`);
    return exit(toExitCode(error));
  }
}
