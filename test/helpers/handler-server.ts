import type { ExecutionContext } from 'ava';
import { readConfig } from '../../src/config/config.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Fallback } from '../../src/contract/target.ts';
import { Handler } from '../../src/handler.ts';
import { Hop } from '../../src/hop/hop.ts';
import { RequestHeaders } from '../../src/hop/request-headers.ts';
import { UpgradeSlots } from '../../src/http/upgrade-slots.ts';
import { WebSockets } from '../../src/http/web-sockets.ts';
import { openSite } from '../../src/site/site.ts';
import { type ExchangeServer, serveExchanges } from './exchange-server.ts';
import { fixedDialect } from './fixed-dialect.ts';
import { project } from './project.ts';

export interface HandlerSetup {
  readonly routes: readonly Route[];
  /** Settings of the hop as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the hop of `env`. */
  readonly fallback?: Fallback;
  readonly dev?: boolean;
}

/** Starts a server with the handler, these routes, and the hop as fallback. Closed when the test ends. */
export async function serveHandler(t: ExecutionContext, setup: HandlerSetup): Promise<ExchangeServer> {
  const config = readConfig({ env: setup.env ?? {} });
  const opened = await project(t, {});
  const site = await openSite(opened, [fixedDialect({ routes: setup.routes })]);
  const slots = new UpgradeSlots(10);
  const hop = new Hop({
    hostname: config.NEXT_HOP.hostname,
    port: config.NEXT_HOP.port,
    connectTimeoutMs: config.HOP_CONNECT_TIMEOUT,
    firstByteTimeoutMs: config.HOP_FIRST_BYTE_TIMEOUT,
    idleTimeoutMs: config.HOP_IDLE_TIMEOUT,
    tunnelIdleTimeoutMs: 0,
    keepAliveMs: config.HOP_KEEP_ALIVE,
    lookupIntervalMs: 0,
    connections: config.HOP_CONNECTIONS,
    queue: config.HOP_QUEUE,
    headerLimitBytes: config.HOP_HEADER_LIMIT,
    requestHeaders: new RequestHeaders({ name: 'nexthop', loopLimit: 10, appendForwardedFor: false }),
    slots,
  });
  t.teardown(() => hop.close());
  const handler = new Handler({
    sites: { current: site },
    fallback: setup.fallback ?? hop,
    webSockets: new WebSockets({ slots, idleTimeoutMs: 0 }),
    pages: [],
    bodyLimitBytes: 0,
    log: opened.log,
    dev: setup.dev ?? false,
  });
  return serveExchanges(t, (exchange) => handler.handle(exchange));
}
