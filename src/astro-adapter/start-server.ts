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

/** A server that listens. */
export interface RunningServer {
  readonly server: {
    /** Undefined: every address. */
    readonly host: string | undefined;
    readonly port: number;
    /** Resolves when the server is closed, whoever closed it. */
    closed(): Promise<void>;
    /** Lets what is under way finish, and closes; resolves when all is closed. */
    stop(): Promise<void>;
  };
  /** The same as `closed()`. */
  readonly done: Promise<void>;
}

export interface StartOptions extends Address {
  /** Added to every answer. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Serves a build from a program that is there already; signals are that program's. Rejects with a ConfigError or with Node's error, e.g. EADDRINUSE. */
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
  // The process is the program's.
  const beforeSite = (log: Log): void => {
    release = guardHost({ log, site: config.site, isSiteCode: toSiteCode({ ...config, ASTRO_ENTRY: build.entry }) });
  };
  const dialects = [previewHeaders(headers), ...own.dialects];
  const { edge, port } = await open(config, { ...own, dialects, beforeSite }).catch((error: unknown) => {
    release();
    throw error;
  });
  let closing: Promise<void> | undefined;
  const over = Promise.withResolvers<void>();
  return {
    server: {
      host: config.HOST || undefined,
      port,
      closed: () => over.promise,
      stop() {
        closing ??= edge.close().finally(release);
        closing.then(over.resolve, over.reject);
        return closing;
      },
    },
    done: over.promise,
  };
}

async function open(config: Config, options: EdgeOptions): Promise<{ readonly edge: Edge; readonly port: number }> {
  const edge = await createEdge(config, options);
  return { edge, port: await edge.listen() };
}

/** Adds the fields of `server.headers` to every answer, as `astro preview` promises. Without any it says nothing. */
function previewHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Dialect {
  const fields = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => [name, value] as const),
  );
  const name = 'server.headers';
  return {
    name,
    looksFor: '',
    async read() {
      if (fields.length === 0) return { routes: [], ignored: [], problems: [] };
      const target = {
        name,
        async answer(exchange: Parameters<typeof overlayAnswer>[0]) {
          overlayAnswer(exchange, { fields });
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
