import type { OwnBuild } from '../dialects/astro/own/own-build.ts';
import { createEdge } from '../edge.ts';
import { keepSessionsBy } from '../public/session-store.ts';
import type { BuildSettings } from './build-settings.ts';
import { type Address, readOwnConfig, toEdgeOptions } from './own-site.ts';
import { previewHeaders } from './preview-headers.ts';

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
  const edge = await createEdge(config, { ...own, dialects: [previewHeaders(headers), ...own.dialects] });
  const port = await edge.listen();
  let closing: Promise<void> | undefined;
  const over = Promise.withResolvers<void>();
  return {
    server: {
      host: config.HOST || undefined,
      port,
      closed: () => over.promise,
      stop() {
        closing ??= edge.close();
        closing.then(over.resolve, over.reject);
        return closing;
      },
    },
    done: over.promise,
  };
}
