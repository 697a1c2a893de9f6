import { processEnv } from '../config/config.ts';
import type { EntryExports } from './server.ts';
import type { RunningServer, StartOptions } from './start-server.ts';

/** The part of what `astro preview` passes to an adapter that is used here. */
export interface PreviewParams {
  /** URL of the entry of the build. */
  readonly serverEntrypoint: URL;
  /** Undefined: every address. */
  readonly host?: string | undefined;
  readonly port: number;
  readonly headers?: StartOptions['headers'];
  readonly logger: { info(message: string): void };
}

/**
 * Serves a build of either mode for `astro preview`. HOST overrides `--host`. Rejects when there is
 * no build, or when another adapter made it.
 */
export default async function preview(params: PreviewParams): Promise<RunningServer['server']> {
  const { startServer } = await importEntry(params.serverEntrypoint);
  const { HOST = params.host ?? '' } = processEnv();
  const { headers = {} } = params;
  const { server } = await startServer({ host: HOST, port: params.port, headers });
  params.logger.info(`listens on http://${server.host ?? 'localhost'}:${server.port}`);
  return server;
}

async function importEntry(url: URL): Promise<EntryExports> {
  // Otherwise a standalone build would start its own server.
  processEnv().ASTRO_NODE_AUTOSTART = 'disabled';
  let exports: Partial<EntryExports>;
  try {
    exports = await import(url.href);
  } catch (error) {
    const { code, url: missing } = error as { code?: unknown; url?: unknown }; // both are checked
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing !== url.href) throw error;
    throw new Error(`there is no build at ${url.pathname}: run astro build`, { cause: error });
  }
  if (exports.nexthop && exports.startServer) return exports as EntryExports; // only builds by nexthop/astro have both
  throw new Error(`the build at ${url.pathname} was not made with nexthop/astro: run astro build again`);
}
