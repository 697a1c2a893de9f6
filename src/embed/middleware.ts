import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Source } from '../config/config.ts';
import type { TrustedPeers } from '../config/setting.ts';
import type { SettingName } from '../config/settings.ts';
import { type HostLog, openHostLog } from '../log/host-log.ts';
import type { Reload } from '../site/live-site.ts';
import { readHostConfig } from './config.ts';
import { EmbeddedEdge } from './embedded.ts';

export interface MiddlewareOptions {
  /** Folder of the site; default: the current one. */
  readonly site?: string;
  /** Settings by their names, as text: `{ FUNCTION_TIMEOUT: '10s' }`. They win over the environment. */
  readonly settings?: Readonly<Partial<Record<SettingName, string>>>;
  /** Default: the process's own. */
  readonly env?: Source['env'];
  /** Whose trust headers are believed: as the setting TRUSTED_PROXIES, which it wins over, or a function of a peer's address, such as the host's own. */
  readonly trustedProxies?: string | TrustedPeers;
  /** Is told what happens. Default: files if LOG_DIR is set, else warnings and errors go to stderr. */
  readonly log?: HostLog;
}

/** nexthop as a middleware of Express, Connect, Polka, Fastify with @fastify/middie, or as the listener of node:http itself. */
export interface Middleware {
  /**
   * Answers what the site can answer, and calls `next` for everything else, with body unread and fields as they came; without `next` that is 404. `locals` become
   * `Astro.locals`. Resolves when it is answered or passed on.
   */
  // Not four parameters: Express takes such a function for one that handles errors.
  (...given: MiddlewareArguments): Promise<void>;
  /** For the host's event 'upgrade': a function opens the WebSocket, or `next` is called with what came behind the request; without `next` that is 404. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer, next?: (head: Buffer) => void): Promise<void>;
  /** Reads the site again and lets it answer, without dropping a request. Never rejects. */
  reload(): Promise<Reload>;
  /**
   * Gives everything back that would keep the process alive; for when the host takes no more requests. What is under way has DRAIN_TIMEOUT, and whatever
   * comes later is answered 503. May be called again.
   */
  close(): Promise<void>;
}

export type MiddlewareArguments = [
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
  locals?: object,
];

/**
 * Reads a site and makes a middleware of it, which is ready then (docs/middleware.md). Its jobs and schedules run in this process, unless JOB_CONCURRENCY is 0.
 * Rejects with a ConfigError, LogError or SiteError that says what to do.
 */
export async function createMiddleware({
  site,
  settings = {},
  env,
  trustedProxies,
  log,
}: MiddlewareOptions = {}): Promise<Middleware> {
  const trust = typeof trustedProxies === 'string' ? { TRUSTED_PROXIES: trustedProxies } : {};
  const config = readHostConfig({
    flags: { ...settings, ...trust },
    ...(site !== undefined && { site }),
    ...(env && { env }),
  });
  const { LOG_DIR: dir, LOG_LEVEL: level, LOG_STDOUT: stdout, LOG_SHORT_ADDRESSES: shortAddresses } = config;
  const guest = await EmbeddedEdge.open({
    config,
    log: openHostLog(log, { dir, level, stdout, shortAddresses }),
    isTrusted: typeof trustedProxies === 'function' ? trustedProxies : config.TRUSTED_PROXIES,
  });
  return Object.assign((...given: MiddlewareArguments) => guest.serve(...given), {
    upgrade: (...given: Parameters<Middleware['upgrade']>) => guest.upgrade(...given),
    reload: () => guest.reload(),
    close: () => guest.close(),
  });
}
