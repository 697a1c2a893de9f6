import type { Config } from '../config/config.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Log } from '../contract/log.ts';
import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import { createEdge, type Edge, type EdgeOptions } from '../edge.ts';
import { overlayAnswer } from '../http/overlay-response.ts';
import { guardHost } from '../process/process-guard.ts';
import { toSiteCode } from '../process/site-code.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { type Address, readOwnConfig, toEdgeOptions } from './own-site.ts';

/** A listening server. */
export interface RunningServer {
  readonly server: {
    /** Undefined: every address. */
    readonly host: string | undefined;
    readonly port: number;
    /** Resolves when the server is closed, by any caller of `stop`. */
    closed(): Promise<void>;
    /** Finishes requests in flight, then closes. Resolves when everything is closed. */
    stop(): Promise<void>;
  };
  /** The same as `closed()`. */
  readonly done: Promise<void>;
}

export interface StartOptions extends Address {
  /** Added to every response. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * Serves a build in another program, which handles signals. Rejects with a ConfigError or with
 * Node's error, e.g. EADDRINUSE.
 */
export async function startServer(
  build: OwnBuild,
  settings: BuildSettings,
  options: StartOptions = {},
): Promise<RunningServer> {
  const config = readOwnConfig(build, settings, options);
  keepSessionsBy(config);
  const { headers = {} } = options;
  const own = toEdgeOptions(build, config);
  let release = (): void => {};
  // The process belongs to the program: only code of the site is guarded.
  const beforeSite = (log: Log): void => {
    const { site, DATA_DIR: dataDir } = config;
    release = guardHost({ log, site, isSiteCode: toSiteCode({ site, dataDir, astroEntry: build.entry }) });
  };
  const dialects = [previewHeaders(headers), ...own.dialects];
  const { edge, port } = await open(config, { ...own, dialects, beforeSite }).catch((error: unknown) => {
    release();
    throw error;
  });
  let closing: Promise<void> | undefined;
  const closed = Promise.withResolvers<void>();
  return {
    server: {
      host: config.HOST || undefined,
      port,
      closed: () => closed.promise,
      stop() {
        closing ??= edge.close().finally(release);
        closing.then(closed.resolve, closed.reject);
        return closing;
      },
    },
    done: closed.promise,
  };
}

async function open(config: Config, options: EdgeOptions): Promise<{ readonly edge: Edge; readonly port: number }> {
  const edge = await createEdge(config, options);
  return { edge, port: await edge.listen() };
}

/**
 * Adds `server.headers` of the site's configuration to every response, as `astro preview` must.
 * Without headers it has no route.
 */
function previewHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Dialect {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => [name, value] as const),
  );
  const name = 'server.headers';
  return {
    name,
    looksFor: '',
    async read() {
      if (pairs.length === 0) return { routes: [], ignored: [], problems: [] };
      const target = {
        name,
        async answer(exchange: Parameters<typeof overlayAnswer>[0]) {
          overlayAnswer(exchange, { headers: pairs });
          return 'passed' as const;
        },
      };
      const pattern = { text: '/*', segments: [{ kind: 'catch-all', name: 'path', orNone: true }] } as const;
      return {
        routes: [{ pattern, methods: 'any', target, step: 1, dialect: name, file: 'astro.config' }],
        ignored: [],
        problems: [],
      };
    },
  };
}
