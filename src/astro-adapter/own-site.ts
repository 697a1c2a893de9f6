import { dirname, join, relative } from 'node:path';
import { type Config, processEnv, readConfig } from '../config/config.ts';
import { toCachedRoutes } from '../contract/cache.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import { ownReading } from '../dialects/astro/own/own-reading.ts';
import { ownTarget } from '../dialects/astro/own/own-target.ts';
import type { EdgeOptions } from '../edge.ts';
import { readHostConfig } from '../embed/config.ts';
import type { EmbeddedEdgeParts } from '../embed/embedded.ts';
import { DIALECTS } from '../site/dialects.ts';
import type { BuildSettings } from './build-settings.ts';

/** Where a server listens. A member that is not set is read from HOST or PORT. */
export interface Address {
  /** '': every address. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port?: number;
}

/**
 * Reads the settings of a build that serves itself. The site is the folder that contains the build.
 * Defaults: it listens as the site's configuration says, logs to stdout and stderr, and forwards
 * nothing; without NEXT_HOP, Astro's 404 page answers what is not found. Throws a ConfigError.
 */
export function readOwnConfig({ entry }: OwnBuild, settings: BuildSettings, { host, port }: Address = {}): Config {
  const { NEXT_HOP } = processEnv();
  return readConfig({
    site: join(dirname(entry), settings.site),
    flags: { ...(host !== undefined && { HOST: host }), ...(port !== undefined && { PORT: String(port) }) },
    defaults: {
      HOST: settings.host,
      PORT: String(settings.port),
      LOG_DIR: '',
      ASTRO_OWNS_404: NEXT_HOP ? '0' : '1',
    },
  });
}

/**
 * Reads the settings of a build whose handler another program's server calls. Throws a ConfigError.
 */
export function readEmbedConfig({ entry }: OwnBuild, settings: BuildSettings): Config {
  return readHostConfig({ site: join(dirname(entry), settings.site) });
}

interface OwnEdgeOptions extends EdgeOptions {
  readonly dialects: readonly Dialect[];
}

/**
 * The dialects and the fallback of a build that serves itself: the platforms whose functions run
 * beside the build, and the build. With ASTRO_OWNS_404 the build is the fallback, too, also for
 * paths that match no route. Serves only the files of the build: a `publish` of netlify.toml is for
 * another host, and may name a folder that contains the server's code.
 */
export function toEdgeOptions(build: OwnBuild, config: Config): OwnEdgeOptions {
  const { dialects, last } = toEmbedOptions(build, config);
  return {
    dialects: [...DIALECTS.filter(({ name }) => name !== ASTRO).map(withoutFiles), ...dialects],
    ...(config.ASTRO_OWNS_404 && { fallback: last }),
  };
}

/**
 * The same for a handler: the build only, because the rest of the folder may belong to the host
 * program.
 */
export function toEmbedOptions(
  build: OwnBuild,
  { site }: Config,
): Required<Pick<EmbeddedEdgeParts, 'dialects' | 'last'>> {
  const entry = relative(site, build.entry);
  const own: Dialect = {
    name: ASTRO,
    looksFor: entry,
    async read({ root, withCache }) {
      const reading = ownReading({ build, root, entry });
      return { ...reading, routes: toCachedRoutes(reading.routes, withCache) };
    },
  };
  return { dialects: [own], last: ownTarget({ build, name: entry, unmatched: 'render' }) };
}

const ASTRO = 'astro';

function withoutFiles(dialect: Dialect): Dialect {
  return {
    ...dialect,
    async read(project) {
      const { fileFolders: _, ...reading } = await dialect.read(project);
      return reading;
    },
  };
}
