import { dirname, join, relative } from 'node:path';
import { type Config, processEnv, readConfig } from '../config.ts';
import type { OwnBuild } from '../dialects/astro/own-build.ts';
import { ownReading } from '../dialects/astro/own-reading.ts';
import type { Dialect } from '../dialects/dialect.ts';
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

/**
 * The platforms whose functions run beside a build of ours, and the build itself, which is loaded already. Its files are those that Astro put there: a `publish` of
 * netlify.toml, say, is for another host, and may name the folder with the server's code in it.
 */
export function ownDialects(build: OwnBuild, { ASTRO_OWNS_404 }: Config): readonly Dialect[] {
  const missing = ASTRO_OWNS_404 ? 'render' : 'pass';
  return [
    ...DIALECTS.filter(({ name }) => name !== ASTRO).map(withoutFiles),
    {
      name: ASTRO,
      looksFor: 'a build',
      read: async ({ root }) => ownReading({ build, root, entry: relative(root, build.entry), missing }),
    },
  ];
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
