import { setTimeout as delay } from 'node:timers/promises';
import { Background } from './background.ts';
import type { Config } from './config.ts';
import type { Dialect } from './dialects/dialect.ts';
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
import type { Site } from './site/site.ts';
import { type Reload, SiteInUse } from './site/site-in-use.ts';
import { LazyStore } from './stores/lazy-store.ts';
import { openStore } from './stores/open.ts';
import { type MessageBus, openMessageBus } from './stores/redis/message-bus.ts';
import { CertificateFiles } from './tls/certificate-files.ts';

/** How long the logs may take to get their last lines out, also on a full disk. */
const LOG_CLOSE_MS = 1000;

/** How long the store may take to finish what is under way, also when it is away. */
const STORE_CLOSE_MS = 2000;

/** What the Edge is made of that is there before it. */
export interface EdgeParts {
  readonly config: Config;
  readonly log: Log;
  readonly sites: SiteInUse;
  readonly background: Background;
  readonly store: LazyStore;
  /** Undefined where no TLS is spoken. */
  readonly certificate: CertificateFiles | undefined;
}

/** One running nexthop: everything that lives as long as the process. */
export class Edge {
  readonly log: Log;
  readonly #config: Config;
  readonly #sites: SiteInUse;
  readonly #background: Background;
  readonly #store: LazyStore;
  readonly #certificate: CertificateFiles | undefined;
  readonly #server: Server;
  readonly #hop: Hop;
  readonly #tunnels: Tunnels;
  readonly #webSockets: WebSockets;
  readonly #pendingWork: PendingWork;
  readonly #ready: Ready;
  #messageBus: MessageBus | undefined;

  constructor({ config, log, sites, background, store, certificate }: EdgeParts) {
    this.#config = config;
    this.log = log;
    this.#sites = sites;
    this.#background = background;
    this.#store = store;
    this.#certificate = certificate;
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
      sites,
      miss: this.#hop,
      webSockets: this.#webSockets,
      tunnels: this.#tunnels,
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
      pendingWork: this.#pendingWork,
      log,
      handle: (exchange, refusal) => handler.handle(exchange, refusal),
      isTunnelRequest,
      openTunnel: (exchange, head, refusal) => handler.handleTunnel(exchange, head, refusal),
    });
  }

  /** The one that answers now. */
  get site(): Site {
    return this.#sites.current;
  }

  /**
   * Opens the store of a site that keeps something, binds PORT, and begins to run jobs and to listen to the message bus; resolves with the port (PORT=0 takes
   * a free one). Rejects with Node's error; a store that is away, or takes longer than 5 seconds, keeps nothing from starting.
   */
  async listen(): Promise<number> {
    if (this.site.jobRules.length > 0 || this.#config.KV_BINDINGS.length > 0) await this.#store.warm();
    const port = await this.#server.listen();
    this.#background.start(this.site.jobRules);
    const { messageBus: place } = this.#config;
    if (place) this.#messageBus = openMessageBus({ place, log: this.log, onUpdate: () => void this.reload() });
    return port;
  }

  /** Reads the site again and lets it answer, without dropping a request (docs/operations.md). Never rejects. */
  reload(): Promise<Reload> {
    return this.#sites.reload();
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
    this.#ready.isReady = false;
    this.#server.announceClose();
    const reloaded = Promise.all([this.#messageBus?.close(), this.#sites.close()]);
    const jobsEndAtMs = performance.now() + DRAIN_DELAY + DRAIN_TIMEOUT;
    const jobsOver = this.#background.close(DRAIN_DELAY + DRAIN_TIMEOUT);
    if (DRAIN_DELAY > 0) await delay(DRAIN_DELAY);
    const finished = Promise.all([
      this.#server.drain(),
      this.#tunnels.close(DRAIN_TIMEOUT),
      this.#webSockets.close(DRAIN_TIMEOUT),
      reloaded,
    ])
      // To which those that end now may still add.
      .then(() => this.#pendingWork.settled())
      .then(() => true);
    if (!(await within(DRAIN_TIMEOUT, finished))) {
      const left = {
        requests: this.#server.active,
        tunnels: this.#tunnels.size,
        web_sockets: this.#webSockets.size,
        work: this.#pendingWork.size,
      };
      this.log.warn('the drain timed out; what was left is cut', left);
    }
    this.#server.destroy();
    await this.#hop.close();
    await this.#closeStore(jobsOver, jobsEndAtMs);
    await this.log.close(LOG_CLOSE_MS);
  }

  /** Last, since requests may put something into it, and jobs are given back to it. */
  async #closeStore(jobsOver: Promise<void>, jobsEndAtMs: number): Promise<void> {
    const closed = jobsOver
      .then(() => this.#store.close())
      .catch((error: unknown) => this.log.error('the store did not close in order', { error }))
      .then(() => true);
    // Requests may be over long before the jobs are.
    const leftMs = Math.max(0, jobsEndAtMs - performance.now()) + STORE_CLOSE_MS;
    if (await within(leftMs, closed)) return;
    this.log.warn('the store was not closed in time; jobs that ran here run again when their leases end');
  }
}

/** Resolves like `work`, or with false when the time is up. */
async function within(ms: number, work: Promise<boolean>): Promise<boolean> {
  const early = new AbortController();
  const late = delay(ms, false, { signal: early.signal }).catch(() => false);
  const isDone = await Promise.race([work, late]);
  early.abort();
  return isDone;
}

export interface EdgeOptions {
  /** Gets the log before any code of the site is loaded. */
  readonly beforeSite?: (log: Log) => void;
  /** Called before each reading of the site, those of reloads too. */
  readonly beforeReading?: () => void;
  /** The platforms whose sites are understood; default: all there are. */
  readonly dialects?: readonly Dialect[];
}

/** Opens the logs and the site and puts the edge together; it does not listen yet. Throws LogError, CertificateError or SiteError with what to do. */
export async function createEdge(
  config: Config,
  { beforeSite, beforeReading, dialects }: EdgeOptions = {},
): Promise<Edge> {
  const log = openLog({
    dir: config.LOG_DIR,
    level: config.LOG_LEVEL,
    stdout: config.LOG_STDOUT,
    shortAddresses: config.LOG_SHORT_ADDRESSES,
  });
  installTextResponse();
  beforeSite?.(log);
  const store = new LazyStore(() => openStore(config, log));
  const background = new Background({ store, config, log });
  try {
    const certificate = config.certificate && new CertificateFiles(config.certificate, log);
    const sites = await SiteInUse.open({
      config,
      log,
      ...(dialects && { dialects }),
      ...(beforeReading && { beforeReading }),
      jobs: background.intake,
      kv: (namespace) => store.kv(namespace),
      onExchange: ({ jobRules }) => background.use(jobRules),
    });
    return new Edge({ config, log, sites, background, store, certificate });
  } catch (error) {
    await store.close();
    await log.close(LOG_CLOSE_MS);
    throw error;
  }
}
