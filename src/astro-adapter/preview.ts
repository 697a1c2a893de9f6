import { processEnv } from '../config/config.ts';
import type { EntryExports } from './server.ts';
import type { RunningServer, StartOptions } from './start-server.ts';

/** What `astro preview` hands to an adapter, as far as it matters here. */
export interface PreviewParams {
  /** URL of the entry of the build. */
  readonly serverEntrypoint: URL;
  /** Undefined: every address. */
  readonly host?: string | undefined;
  readonly port: number;
  readonly headers?: StartOptions['headers'];
  readonly logger: { info(message: string): void };
}

/** Serves the build for `astro preview`, of either mode. HOST comes before `--host`. Rejects when there is no build, or another adapter's. */
export default async function preview(params: PreviewParams): Promise<RunningServer['server']> {
  const { startServer } = await importEntry(params.serverEntrypoint);
  const { HOST = params.host ?? '' } = processEnv();
  const { headers = {} } = params;
  const { server } = await startServer({ host: HOST, port: params.port, headers });
  params.logger.info(`listens on http://${server.host ?? 'localhost'}:${server.port}`);
  return server;
}

async function importEntry(url: URL): Promise<EntryExports> {
  // Else a standalone build would start a server of its own.
  processEnv().ASTRO_NODE_AUTOSTART = 'disabled';
  let exports: Partial<EntryExports>;
  try {
    exports = await import(url.href);
  } catch (error) {
    const { code, url: missing } = error as { code?: unknown; url?: unknown }; // each is looked at
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing !== url.href) throw error;
    throw new Error(`there is no build at ${url.pathname}: run astro build first`, { cause: error });
  }
  if (exports.nexthop && exports.startServer) return exports as EntryExports; // both are there, so it is ours
  throw new Error(`the build at ${url.pathname} is not one of nexthop/astro: run astro build again`);
}
