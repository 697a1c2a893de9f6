import { dirname, join, relative } from 'node:path';
import { type Config, processEnv, readConfig } from '../config.ts';
import type { OwnBuild } from '../dialects/astro/own-build.ts';
import { ownReading } from '../dialects/astro/own-reading.ts';
import { ownTarget } from '../dialects/astro/own-target.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { EdgeOptions } from '../edge.ts';
import { DIALECTS } from '../site/scan.ts';
import type { BuildSettings } from './build-settings.ts';

/** Where a server listens, where that is not left to HOST and PORT. */
export interface Address {
  /** '': every address. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port?: number;
}

/**
 * The settings of a build that serves itself. The site is the folder in which the build stands. Unless the environment says otherwise it listens as the site's
 * configuration says, writes its logs to stdout and stderr, and forwards nothing: without NEXT_HOP, Astro's own page tells of what is not found. Throws a ConfigError.
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

interface OwnEdgeOptions extends EdgeOptions {
  readonly dialects: readonly Dialect[];
}

/**
 * Who answers for a build that serves itself. The platforms whose functions run beside it, and the build, which is loaded already; where Astro tells of what is not
 * found, it is also the last who is asked, also about what no route may match. The files are those that Astro put into the build: a `publish` of netlify.toml, say, is for
 * another host, and may name the folder with the server's code in it.
 */
export function toEdgeOptions(build: OwnBuild, { ASTRO_OWNS_404, site }: Config): OwnEdgeOptions {
  const entry = relative(site, build.entry);
  const own: Dialect = {
    name: ASTRO,
    looksFor: entry,
    read: async ({ root }) => ownReading({ build, root, entry }),
  };
  return {
    dialects: [...DIALECTS.filter(({ name }) => name !== ASTRO).map(withoutFiles), own],
    ...(ASTRO_OWNS_404 && { miss: ownTarget({ build, name: entry, missing: 'render' }) }),
  };
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
