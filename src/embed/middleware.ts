import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Source } from '../config/config.ts';
import type { SettingName } from '../config/settings.ts';
import type { TrustedPeers } from '../contract/client.ts';
import type { HostLog } from '../contract/log.ts';
import type { Reload } from '../site/reload.ts';
import { readHostConfig } from './config.ts';
import { EmbeddedEdge } from './embedded.ts';

export interface MiddlewareOptions {
  /** Folder of the site; default: the current one. */
  readonly site?: string;
  /**
   * Settings by name, as text: `{ FUNCTION_TIMEOUT: '10s' }`. They take precedence over the
   * environment.
   */
  readonly settings?: Readonly<Partial<Record<SettingName, string>>>;
  /** Default: the environment of the process. */
  readonly env?: Source['env'];
  /**
   * The peers whose trust headers are accepted: a value of the setting TRUSTED_PROXIES, which this
   * overrides, or a function of a peer's address, e.g. the host's own.
   */
  readonly trustedProxies?: string | TrustedPeers;
  /**
   * Receives the log messages. Default: files if LOG_DIR is set, else warnings and errors go to
   * stderr.
   */
  readonly log?: HostLog;
}

/**
 * nexthop as a middleware for Express, Connect, Polka and Fastify with @fastify/middie, or as a
 * listener of node:http.
 */
export interface Middleware {
  /**
   * Answers a request if the site has an answer. Otherwise calls `next`, with the body unread and
   * the headers as received; without `next` it responds 404. `locals` become `Astro.locals`.
   * Resolves when the request is answered or passed on.
   */
  // A rest parameter: Express treats a function with four parameters as an error handler.
  (...given: MiddlewareArguments): Promise<void>;
  /**
   * For the host's 'upgrade' event: a function opens the WebSocket, or `next` is called with the
   * bytes after the request. Without `next` it responds 404.
   */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer, next?: (head: Buffer) => void): Promise<void>;
  /** Reads the site again and serves new requests from it. No request is dropped. Never rejects. */
  reload(): Promise<Reload>;
  /**
   * Closes everything that keeps the process alive; call it when the host accepts no more requests.
   * Requests in flight have DRAIN_TIMEOUT, and later ones get 503. May be called again.
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
 * Reads a site and creates a middleware that is ready to serve it (docs/middleware.md). Its jobs
 * and schedules run in this process unless JOB_CONCURRENCY is 0. Rejects with a ConfigError,
 * LogError or SiteError whose message says what to do.
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
  const edge = await EmbeddedEdge.open({
    config,
    log,
    isTrusted: typeof trustedProxies === 'function' ? trustedProxies : config.TRUSTED_PROXIES,
  });
  return Object.assign((...given: MiddlewareArguments) => edge.serve(...given), {
    upgrade: (...given: Parameters<Middleware['upgrade']>) => edge.upgrade(...given),
    reload: () => edge.reload(),
    close: () => edge.close(),
  });
}
