import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import { EmbeddedEdge } from '../embed/embedded.ts';
import type { MiddlewareArguments } from '../embed/middleware.ts';
import { openHostLog } from '../log/host-log.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { readEmbedConfig, toEmbedOptions } from './own-site.ts';

/**
 * What Express and its like call. Answers with all that the build has, its files too, and calls `next` for everything else; where nobody stands behind, Astro tells
 * that there is nothing. `locals` become `Astro.locals`. Rejects with what keeps the build from being opened, or with what `next` throws.
 */
// Not four parameters: Express takes such a function for one that handles errors.
export type Handler = (...given: MiddlewareArguments) => Promise<void>;

/** A handler that opens the build when it is first called: a program may import a build and never use it. */
export function lazyHandler(open: () => OwnBuild, settings: BuildSettings): Handler {
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
