import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import type { Development } from './contract/development.ts';
import type { Dialect } from './contract/dialect.ts';
import type { Log, ProcessLog } from './contract/log.ts';
import type { CollectedMetrics, MetricFamily } from './contract/metrics.ts';
import type { RouteStops } from './contract/route.ts';
import type { Fallback } from './contract/target.ts';
import { withTimeout } from './contract/with-timeout.ts';
import { Handler } from './handler.ts';
import { Hop, HopAdvice } from './hop/hop.ts';
import { RequestHeaders } from './hop/request-headers.ts';
import { recordDecodedBodies } from './http/decoded-bodies.ts';
import { installLazyRequest } from './http/lazy-request.ts';
import { markOwnFetches } from './http/loops.ts';
import { PurgeEndpoint } from './http/purge-endpoint.ts';
import { Ready } from './http/ready.ts';
import { installTextResponse } from './http/text-response.ts';
import { UpgradeSlots } from './http/upgrade-slots.ts';
import { WebSockets } from './http/web-sockets.ts';
import { openLog } from './log/open.ts';
import type { EdgeMetrics } from './metrics/edge-metrics.ts';
import { Health } from './metrics/health.ts';
import { type Observation, openObservation } from './metrics/observation.ts';
import { Server } from './server.ts';
import type { Reload } from './site/reload.ts';
import { RunningSite, type RunningSiteParts } from './site/running-site.ts';
import type { Site } from './site/site.ts';
import { CertificateFiles } from './tls/certificate-files.ts';

/** Time for the logs to write their last lines, also when the disk is full. */
const LOG_CLOSE_MS = 1000;
/** The same after a drain that has used all of its time: the process ends within a second then. */
const LATE_LOG_CLOSE_MS = 250;

/** The parts that are created before the Edge. */
export interface EdgeParts extends Omit<EdgeOptions, 'beforeSite' | 'beforeReading' | 'place' | 'dialects'> {
  readonly config: Config;
  readonly log: ProcessLog;
  readonly site: RunningSite;
  /** Undefined: the server does not use TLS. */
  readonly certificate: CertificateFiles | undefined;
  readonly observation: Observation;
}

/** One running nexthop. Owns everything that lives as long as the process. */
export class Edge {
  readonly log: Log;
  /** Undefined: none are measured. */
  readonly metrics: EdgeMetrics | undefined;
  readonly #config: Config;
  readonly #site: RunningSite;
  readonly #certificate: CertificateFiles | undefined;
  readonly #server: Server;
  readonly #hop: Hop;
  readonly #webSockets: WebSockets;
  readonly #ready: Ready;
  readonly #health: Health;
  #storeFailure: unknown;
  #isClosing = false;

  constructor(parts: EdgeParts) {
    const { config, log, site, certificate, fallback, notify, listenFd, stopped, development, observation } = parts;
    const { metrics, openPage, tracer } = observation;
    this.metrics = metrics;
    this.#config = config;
    this.log = log;
    this.#site = site;
    this.#certificate = certificate;
    this.#ready = new Ready({
      path: config.READY_PATH,
      readParts: () => this.#health.read(),
      lacksLog: () => config.LOG_STRICT && log.isFailing,
    });
    const slots = new UpgradeSlots(config.MAX_TUNNELS);
    const loops = { name: config.VIA, loopLimit: config.LOOP_LIMIT };
    this.#hop = new Hop({
      hostname: config.NEXT_HOP.hostname,
      port: config.NEXT_HOP.port,
      connectTimeoutMs: config.HOP_CONNECT_TIMEOUT,
      firstByteTimeoutMs: config.HOP_FIRST_BYTE_TIMEOUT,
      idleTimeoutMs: config.HOP_IDLE_TIMEOUT,
      tunnelIdleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT,
      keepAliveMs: config.HOP_KEEP_ALIVE,
      lookupIntervalMs: config.HOP_LOOKUP_INTERVAL,
      connections: config.HOP_CONNECTIONS,
      queue: config.HOP_QUEUE,
      headerLimitBytes: config.HOP_HEADER_LIMIT,
      requestHeaders: new RequestHeaders({ ...loops, appendForwardedFor: config.APPEND_FORWARDED_FOR }),
      slots,
      observer: metrics?.hop,
      tracer,
    });
    this.#webSockets = new WebSockets({ slots, idleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT });
    const page = metrics && openPage?.({ ...parts, metrics });
    const purge = config.PURGE_TOKEN === '' ? undefined : new PurgeEndpoint(config.PURGE_TOKEN, site.purging);
    const advice = new HopAdvice(config.NEXT_HOP.hostname, (text) => {
      log.error(text);
      notify?.(text);
    });
    const handler = new Handler({
      sites: site,
      fallback: fallback ?? site.withCache(this.#hop),
      webSockets: this.#webSockets,
      loops,
      tracer,
      pages: [this.#ready, purge, page].filter((each) => each !== undefined),
      bodyLimitBytes: config.BODY_LIMIT,
      stopped,
      log,
      onHopFault: (fault) => {
        this.#health.hopFailed(fault.code);
        advice.give(fault);
      },
      dev: config.DEV,
      development,
    });
    this.#server = new Server({
      host: config.HOST,
      port: config.PORT,
      listenFd,
      ...(certificate && { certificate: certificate.current }),
      headerLimitBytes: config.HEADER_LIMIT,
      headerCount: config.HEADER_COUNT,
      maxConnections: config.MAX_CONNECTIONS,
      headersTimeoutMs: config.HEADERS_TIMEOUT,
      keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT,
      clientIdleTimeoutMs: config.CLIENT_IDLE_TIMEOUT,
      isTrusted: config.TRUSTED_PROXIES,
      pendingWork: site.pendingWork,
      log,
      observers: observation.requests,
      handle: (exchange, refusal) => handler.handle(exchange, refusal),
    });
    site.answerOwnCallsBy(this.#server);
    const sources = { server: this.#server, hop: this.#hop, webSockets: this.#webSockets, log, certificate, site };
    this.#health = new Health(sources);
    metrics?.use(sources);
  }

  /** Why the stores of the site could not be opened at start; undefined: they were, or none is used. */
  get storeFailure(): unknown {
    return this.#storeFailure;
  }

  /** The site that serves new requests. */
  get site(): Site {
    return this.#site.current;
  }

  /**
   * Opens the stores of the site, binds PORT and starts the jobs. Resolves with the port (PORT=0
   * takes a free one). Rejects with Node's error. A store that is unreachable, or takes longer than
   * 5 seconds, does not prevent the start. `isOwner`: no other process serves this site here, or
   * none of them has called `own`.
   */
  async listen({ isOwner = true }: { readonly isOwner?: boolean } = {}): Promise<number> {
    this.#storeFailure = await this.#site.warm();
    const port = await this.#server.listen();
    this.#site.start();
    if (isOwner) this.own();
    return port;
  }

  /**
   * Starts what only one of several workers may do: the clock of schedules, and the subscription to the message bus. Call it
   * after `listen`. `requestReload`: reloads all workers; default: this one.
   */
  own(requestReload: () => void = () => void this.reload()): void {
    if (!this.#isClosing) this.#site.own(requestReload);
  }

  /** Reads the site and the certificate again and serves new requests from it. No request is dropped (docs/operations.md). `logged`: as of RunningSite. Never rejects. */
  async reload(logged?: Reload): Promise<Reload> {
    this.renewCertificate();
    const reload = await this.#site.reload(logged);
    for (const each of [this.metrics, this.#health]) each?.reloaded(reload.state !== 'kept');
    return reload;
  }

  /** The site with its jobs and its cache. */
  get running(): RunningSite {
    return this.#site;
  }

  /** Reads the certificate files again, if TLS is on. New connections use the new one; if it is unusable, the old one stays, and the log reports it. */
  renewCertificate(): void {
    const certificate = this.#certificate?.renew();
    if (certificate) this.#server.useCertificate(certificate);
  }

  /** Sends complete responses that would be sent at the end of this turn of the event loop: the process ends before it. */
  readonly sendHeld = (): void => this.#server.sendHeld();

  /**
   * Drains and closes. First READY_PATH returns 503 and every response has `Connection: close`.
   * After DRAIN_DELAY, the port and idle connections are closed. Requests, tunnels, jobs and
   * background work then have DRAIN_TIMEOUT to finish. What remains is cut, and its jobs go back to
   * the queue. Resolves when everything is closed and the logs are flushed. `isReplaced`: another
   * process serves on the same socket, so READY_PATH stays 200 and DRAIN_DELAY does not apply.
   */
  async close({ isReplaced = false }: { readonly isReplaced?: boolean } = {}): Promise<void> {
    const { DRAIN_TIMEOUT } = this.#config;
    const DRAIN_DELAY = isReplaced ? 0 : this.#config.DRAIN_DELAY;
    const startedAtMs = performance.now();
    const { pendingWork } = this.#site;
    this.#isClosing = true;
    this.#ready.isReady = isReplaced;
    this.#server.announceClose();
    const retired = this.#site.retire(DRAIN_DELAY + DRAIN_TIMEOUT);
    if (DRAIN_DELAY > 0) await delay(DRAIN_DELAY);
    const finished = Promise.all([
      this.#server.drain(),
      this.#hop.tunnels.close(DRAIN_TIMEOUT),
      this.#webSockets.close(DRAIN_TIMEOUT),
      retired,
    ])
      // A request that ends during the drain may still add background work.
      .then(() => pendingWork.settled());
    if (!(await withTimeout(DRAIN_TIMEOUT, finished))) {
      const left = {
        requests: this.#server.active,
        tunnels: this.#hop.tunnels.size,
        web_sockets: this.#webSockets.size,
        work: pendingWork.size,
      };
      this.log.warn('the drain timed out; the remaining work is cut: raise DRAIN_TIMEOUT if it needs longer', left);
    }
    this.#server.destroy();
    this.#hop.close();
    await this.#site.close();
    this.metrics?.close();
    const leftMs = startedAtMs + DRAIN_DELAY + DRAIN_TIMEOUT - performance.now();
    await this.log.close(Math.max(LATE_LOG_CLOSE_MS, Math.min(LOG_CLOSE_MS, leftMs)));
  }
}

export interface EdgeOptions {
  /** Called with the log before any code of the site is loaded. */
  readonly beforeSite?: (log: ProcessLog) => void;
  /** Called before each reading of the site, also before a reload. */
  readonly beforeReading?: () => void;
  /** This process is one of several that replace each other (src/site/live-site.ts). */
  readonly place?: 'first' | 'next';
  /** The supported platforms. Default: all. */
  readonly dialects?: readonly Dialect[];
  /** Answers every request that no route of the site answers. Default: the next hop. */
  readonly fallback?: Fallback;
  /** Prints a line for the person who started the process. */
  readonly notify?: (line: string) => void;
  /** Descriptor of a bound socket to listen on. Default: HOST and PORT are bound. */
  readonly listenFd?: number;
  /** Routes of functions that get 503. */
  readonly stopped?: RouteStops;
  /** Default: this is no development. */
  readonly development?: Development;
  /** Adds the metrics of the other processes of this nexthop to those of this one. Default: there are none. */
  readonly collectOthers?: (own: readonly MetricFamily[]) => Promise<CollectedMetrics>;
  /** Time limit of a call to the store. Default: CALL_TIMEOUT_MS of contract/store.ts. */
  readonly callTimeoutMs?: number;
  /** See RunningSiteParts. */
  readonly peers?: NonNullable<RunningSiteParts['peers']>;
}

/** Opens logs and site; the edge does not listen yet. Throws a LogError, CertificateError or SiteError that says what to do. */
export async function createEdge(config: Config, options: EdgeOptions = {}): Promise<Edge> {
  const { beforeSite, development, ...rest } = options;
  const openFiles = (): ProcessLog =>
    openLog({
      dir: config.LOG_DIR,
      level: config.LOG_LEVEL,
      stdout: config.LOG_STDOUT,
      shortAddresses: config.LOG_SHORT_ADDRESSES,
      site: config.site,
    });
  const log = development ? development.toLog(config.LOG_DIR === '' ? undefined : openFiles()) : openFiles();
  installTextResponse();
  markOwnFetches(config.VIA);
  recordDecodedBodies();
  installLazyRequest();
  beforeSite?.(log);
  const observation = await openObservation(config);
  const { metrics, tracer, stores: storeObserver } = observation;
  try {
    const certificate = config.certificate && new CertificateFiles(config.certificate, log);
    const site = await RunningSite.open({
      ...{ ...rest, config, log, isCached: true, tracer, storeObserver },
      ...(development && { isWritten: true, onOutside: (files) => development.useOutside(files) }),
      onJobEnded: metrics && ((rule, outcome) => metrics.jobs.ended(rule, outcome)),
    });
    return new Edge({ ...rest, ...(development && { development }), config, log, site, certificate, observation });
  } catch (error) {
    metrics?.close();
    await log.close(LOG_CLOSE_MS);
    throw error;
  }
}
