import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import type { Dialect } from './contract/dialect.ts';
import type { Log } from './contract/log.ts';
import type { Fallback } from './contract/target.ts';
import { Handler, type TunnelOpener } from './handler.ts';
import { Hop } from './hop/hop.ts';
import { RequestHeaders } from './hop/request-headers.ts';
import { ResponseHeaders } from './hop/response-headers.ts';
import { isTunnelRequest, Tunnels } from './hop/tunnel.ts';
import { noteDecodedBodies } from './http/decoded-bodies.ts';
import { Ready } from './http/ready.ts';
import { installTextResponse } from './http/text-response.ts';
import { UpgradeSlots } from './http/upgrade-slots.ts';
import { WebSockets } from './http/web-sockets.ts';
import { openLog } from './log/open.ts';
import { Server } from './server.ts';
import type { Reload } from './site/live-site.ts';
import { RunningSite } from './site/running-site.ts';
import type { Site } from './site/site.ts';
import { type MessageBus, openMessageBus } from './stores/redis/message-bus.ts';
import { withTimeout } from './timing/with-timeout.ts';
import { CertificateFiles } from './tls/certificate-files.ts';

/** How long the logs may take to get their last lines out, also on a full disk. */
const LOG_CLOSE_MS = 1000;

/** What the Edge is made of that is there before it. */
export interface EdgeParts {
  readonly config: Config;
  readonly log: Log;
  readonly site: RunningSite;
  /** Undefined where no TLS is spoken. */
  readonly certificate: CertificateFiles | undefined;
  /** Answers what nobody else does. Undefined: the hop. */
  readonly fallback: Fallback | undefined;
}

/** One running nexthop: everything that lives as long as the process. */
export class Edge {
  readonly log: Log;
  readonly #config: Config;
  readonly #site: RunningSite;
  readonly #certificate: CertificateFiles | undefined;
  readonly #server: Server;
  readonly #hop: Hop;
  readonly #tunnels: Tunnels;
  readonly #webSockets: WebSockets;
  readonly #ready: Ready;
  #messageBus: MessageBus | undefined;

  constructor({ config, log, site, certificate, fallback }: EdgeParts) {
    this.#config = config;
    this.log = log;
    this.#site = site;
    this.#certificate = certificate;
    this.#ready = new Ready(config.READY_PATH);
    const requestHeaders = new RequestHeaders({
      name: config.VIA,
      loopLimit: config.LOOP_LIMIT,
      appendForwardedFor: config.APPEND_FORWARDED_FOR,
    });
    const responseHeaders = new ResponseHeaders();
    this.#hop = new Hop({
      origin: config.NEXT_HOP,
      connectTimeoutMs: config.HOP_CONNECT_TIMEOUT,
      firstByteTimeoutMs: config.HOP_FIRST_BYTE_TIMEOUT,
      idleTimeoutMs: config.HOP_IDLE_TIMEOUT,
      keepAliveMs: config.HOP_KEEP_ALIVE,
      lookupIntervalMs: config.HOP_LOOKUP_INTERVAL,
      connections: config.HOP_CONNECTIONS,
      queue: config.HOP_QUEUE,
      headerLimitBytes: config.HOP_HEADER_LIMIT,
      requestHeaders,
      responseHeaders,
    });
    const slots = new UpgradeSlots(config.MAX_TUNNELS);
    this.#webSockets = new WebSockets({ slots, idleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT });
    this.#tunnels = new Tunnels({
      origin: config.NEXT_HOP,
      connectTimeoutMs: config.HOP_CONNECT_TIMEOUT,
      firstByteTimeoutMs: config.HOP_FIRST_BYTE_TIMEOUT,
      idleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT,
      slots,
      headerLimitBytes: config.HOP_HEADER_LIMIT,
      requestHeaders: (exchange) => requestHeaders.toHop(exchange),
      responseHeaders: (rawHeaders, status, exchange) => responseHeaders.toClient(rawHeaders, status, exchange).fields,
    });
    const handler = new Handler({
      sites: site,
      fallback: fallback ?? this.#hop,
      webSockets: this.#webSockets,
      tunnels: fallback ? withoutTunnels(fallback) : this.#tunnels,
      ready: this.#ready,
      log,
      dev: config.DEV,
    });
    this.#server = new Server({
      host: config.HOST,
      port: config.PORT,
      ...(certificate && { certificate: certificate.current }),
      headerLimitBytes: config.HEADER_LIMIT,
      bodyLimitBytes: config.BODY_LIMIT,
      maxConnections: config.MAX_CONNECTIONS,
      headersTimeoutMs: config.HEADERS_TIMEOUT,
      keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT,
      clientIdleTimeoutMs: config.CLIENT_IDLE_TIMEOUT,
      isTrusted: config.TRUSTED_PROXIES,
      pendingWork: site.pendingWork,
      log,
      handle: (exchange, refusal) => handler.handle(exchange, refusal),
      isTunnelRequest,
      openTunnel: (exchange, head, refusal) => handler.handleTunnel(exchange, head, refusal),
    });
  }

  /** The one that answers now. */
  get site(): Site {
    return this.#site.current;
  }

  /**
   * Opens the store of a site that keeps something, binds PORT, and begins to run jobs and to listen to the message bus; resolves with the port (PORT=0 takes
   * a free one). Rejects with Node's error; a store that is away, or takes longer than 5 seconds, keeps nothing from starting.
   */
  async listen(): Promise<number> {
    await this.#site.warm();
    const port = await this.#server.listen();
    this.#site.start();
    const { messageBus: place } = this.#config;
    if (place) this.#messageBus = openMessageBus({ place, log: this.log, onUpdate: () => void this.reload() });
    return port;
  }

  /** Reads the site again and lets it answer, without dropping a request (docs/operations.md). Never rejects. */
  reload(): Promise<Reload> {
    return this.#site.reload();
  }

  /** Reads the certificate again, if there is one: new connections get what is new. One that cannot be used changes nothing; the log tells. Never throws. */
  renewCertificate(): void {
    const certificate = this.#certificate?.renew();
    if (certificate) this.#server.useCertificate(certificate);
  }

  /**
   * Drains: not ready, `Connection: close` on every answer, after DRAIN_DELAY the port and idle connections closed, requests,
   * tunnels, jobs and work behind answers finished within DRAIN_TIMEOUT, then cut, jobs given back; logs flushed. Resolves when all is closed.
   */
  async close(): Promise<void> {
    const { DRAIN_DELAY, DRAIN_TIMEOUT } = this.#config;
    const { pendingWork } = this.#site;
    this.#ready.isReady = false;
    this.#server.announceClose();
    const retired = Promise.all([this.#messageBus?.close(), this.#site.retire(DRAIN_DELAY + DRAIN_TIMEOUT)]);
    if (DRAIN_DELAY > 0) await delay(DRAIN_DELAY);
    const finished = Promise.all([
      this.#server.drain(),
      this.#tunnels.close(DRAIN_TIMEOUT),
      this.#webSockets.close(DRAIN_TIMEOUT),
      retired,
    ])
      // To which those that end now may still add.
      .then(() => pendingWork.settled());
    if (!(await withTimeout(DRAIN_TIMEOUT, finished))) {
      const left = {
        requests: this.#server.active,
        tunnels: this.#tunnels.size,
        web_sockets: this.#webSockets.size,
        work: pendingWork.size,
      };
      this.log.warn('the drain timed out; what was left is cut', left);
    }
    this.#server.destroy();
    await this.#hop.close();
    await this.#site.close();
    await this.log.close(LOG_CLOSE_MS);
  }
}

/** A handshake that nobody takes is answered like any other request (RFC 9110 7.8: a server may ignore Upgrade). */
function withoutTunnels(fallback: Fallback): TunnelOpener {
  return { open: async (exchange) => void (await fallback.answer(exchange, {})) };
}

export interface EdgeOptions {
  /** Gets the log before any code of the site is loaded. */
  readonly beforeSite?: (log: Log) => void;
  /** Called before each reading of the site, those of reloads too. */
  readonly beforeReading?: () => void;
  /** The platforms whose sites are understood; default: all there are. */
  readonly dialects?: readonly Dialect[];
  /** Answers what nobody else does; default: the hop. */
  readonly fallback?: Fallback;
}

/** Opens the logs and the site and puts the edge together; it does not listen yet. Throws LogError, CertificateError or SiteError with what to do. */
export async function createEdge(
  config: Config,
  { beforeSite, beforeReading, dialects, fallback }: EdgeOptions = {},
): Promise<Edge> {
  const log = openLog({
    dir: config.LOG_DIR,
    level: config.LOG_LEVEL,
    stdout: config.LOG_STDOUT,
    shortAddresses: config.LOG_SHORT_ADDRESSES,
  });
  installTextResponse();
  noteDecodedBodies();
  beforeSite?.(log);
  try {
    const certificate = config.certificate && new CertificateFiles(config.certificate, log);
    const site = await RunningSite.open({
      config,
      log,
      ...(beforeReading && { beforeReading }),
      ...(dialects && { dialects }),
    });
    return new Edge({ config, log, site, certificate, fallback });
  } catch (error) {
    await log.close(LOG_CLOSE_MS);
    throw error;
  }
}
