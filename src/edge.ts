import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config.ts';
import { Handler } from './handler.ts';
import { AnswerFields } from './hop/answer-fields.ts';
import { Hop } from './hop/hop.ts';
import { RequestFields } from './hop/request-fields.ts';
import { isTunnelRequest, Tunnels } from './hop/tunnel.ts';
import { installTextResponse } from './http/text-response.ts';
import { UpgradeSlots } from './http/upgrade-slots.ts';
import { WebSockets } from './http/web-sockets.ts';
import type { Log } from './log/log.ts';
import { openLog } from './log/open.ts';
import { PendingWork } from './pending-work.ts';
import { Ready } from './ready.ts';
import { Server } from './server.ts';
import { openProject } from './site/project.ts';
import { openSite, type Site } from './site/site.ts';

/** How long the logs may take to get their last lines out, also on a full disk. */
const LOG_CLOSE_MS = 1000;

/** One running nexthop: everything that lives as long as the process. */
export class Edge {
  readonly site: Site;
  readonly log: Log;
  readonly #config: Config;
  readonly #server: Server;
  readonly #hop: Hop;
  readonly #tunnels: Tunnels;
  readonly #webSockets: WebSockets;
  readonly #pendingWork: PendingWork;
  readonly #ready: Ready;

  constructor(config: Config, site: Site, log: Log) {
    this.#config = config;
    this.site = site;
    this.log = log;
    this.#pendingWork = new PendingWork((error, owner) =>
      log.error('work after the answer failed', { target: owner, error }),
    );
    this.#ready = new Ready(config.READY_PATH);
    const requestFields = new RequestFields({
      name: config.VIA,
      loopLimit: config.LOOP_LIMIT,
      appendForwardedFor: config.APPEND_FORWARDED_FOR,
    });
    const answerFields = new AnswerFields();
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
      requestFields,
      answerFields,
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
      requestFields: (exchange) => requestFields.toHop(exchange),
      answerFields: (rawFields, status, exchange) => answerFields.toClient(rawFields, status, exchange).fields,
    });
    const handler = new Handler({
      site,
      miss: this.#hop,
      webSockets: this.#webSockets,
      tunnels: this.#tunnels,
      ready: this.#ready,
      log,
    });
    this.#server = new Server({
      host: config.HOST,
      port: config.PORT,
      headerLimitBytes: config.HEADER_LIMIT,
      bodyLimitBytes: config.BODY_LIMIT,
      maxConnections: config.MAX_CONNECTIONS,
      headersTimeoutMs: config.HEADERS_TIMEOUT,
      keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT,
      clientIdleTimeoutMs: config.CLIENT_IDLE_TIMEOUT,
      isTrusted: config.TRUSTED_PROXIES,
      pendingWork: this.#pendingWork,
      log,
      handle: (exchange, refusal) => handler.handle(exchange, refusal),
      isTunnelRequest,
      openTunnel: (exchange, head, refusal) => handler.handleTunnel(exchange, head, refusal),
    });
  }

  /** Binds PORT; resolves with it (PORT=0 takes a free one). Rejects with Node's error. */
  async listen(): Promise<number> {
    return this.#server.listen();
  }

  /**
   * Drains: not ready, `Connection: close` on every answer, after DRAIN_DELAY the port and idle connections closed, requests,
   * tunnels and work behind answers finished within DRAIN_TIMEOUT, then cut; logs flushed. Resolves when all is closed.
   */
  async close(): Promise<void> {
    const { DRAIN_DELAY, DRAIN_TIMEOUT } = this.#config;
    this.#ready.isReady = false;
    this.#server.announceClose();
    if (DRAIN_DELAY > 0) await delay(DRAIN_DELAY);
    const finished = Promise.all([
      this.#server.drain(),
      this.#tunnels.close(DRAIN_TIMEOUT),
      this.#webSockets.close(DRAIN_TIMEOUT),
    ])
      // To which those that end now may still add.
      .then(() => this.#pendingWork.settled())
      .then(() => true);
    const deadline = new AbortController();
    const late = delay(DRAIN_TIMEOUT, false, { signal: deadline.signal }).catch(() => false);
    if (!(await Promise.race([finished, late]))) {
      const left = {
        requests: this.#server.active,
        tunnels: this.#tunnels.size,
        web_sockets: this.#webSockets.size,
        work: this.#pendingWork.size,
      };
      this.log.warn('the drain timed out; what was left is cut', left);
    }
    deadline.abort();
    this.#server.destroy();
    await this.#hop.close();
    await this.log.close(LOG_CLOSE_MS);
  }
}

/**
 * Opens the logs and the site and puts the edge together; it does not listen yet. Throws LogError or SiteError with what to do.
 * `beforeSite` gets the log before any code of the site is loaded.
 */
export async function createEdge(config: Config, beforeSite: (log: Log) => void = () => {}): Promise<Edge> {
  const log = openLog({
    dir: config.LOG_DIR,
    level: config.LOG_LEVEL,
    stdout: config.LOG_STDOUT,
    shortAddresses: config.LOG_SHORT_ADDRESSES,
  });
  installTextResponse();
  beforeSite(log);
  try {
    return new Edge(config, await openSite(await openProject(config, log)), log);
  } catch (error) {
    await log.close(LOG_CLOSE_MS);
    throw error;
  }
}
