import '../config/require-node.ts';
import { processEnv } from '../config/config.ts';
import type { OwnBuild, OwnEntry } from '../dialects/astro/own/own-build.ts';
import type { BuildSettings } from './build-settings.ts';
import { type Handler, lazyHandler } from './lazy-handler.ts';
import { type AstroParts, openBuild } from './open-build.ts';
import { runToTheEnd } from './run-to-the-end.ts';
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
