import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../config/config.ts';
import type { TrustedPeers } from '../contract/client.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { HostLog, Log } from '../contract/log.ts';
import { logProblems } from '../contract/problem.ts';
import type { Fallback, Outcome, Params } from '../contract/target.ts';
import { withTimeout } from '../contract/with-timeout.ts';
import { Handler } from '../handler.ts';
import { Exchanges } from '../http/exchanges.ts';
import { toFaultPage } from '../http/fault-page.ts';
import { UpgradeSlots } from '../http/upgrade-slots.ts';
import { isWebSocketRequest } from '../http/web-socket-request.ts';
import { WebSockets } from '../http/web-sockets.ts';
import { openHostLog } from '../log/host-log.ts';
import { guardHost } from '../process/process-guard.ts';
import { toSiteCode } from '../process/site-code.ts';
import type { Reload } from '../site/reload.ts';
import { RunningSite } from '../site/running-site.ts';
import type { Site } from '../site/site.ts';
import { completeSimulated } from './complete-simulated.ts';
import { HostRequest } from './host-request.ts';
import { HostResponse } from './host-response.ts';
import { HostUpgrade } from './host-upgrade.ts';
import { Visit } from './visit.ts';

/** Time for the log to write its last lines. */
const LOG_CLOSE_MS = 1000;

export interface EmbeddedEdgeParts {
  readonly config: Config;
  /** Default: files if LOG_DIR is set, else stderr. */
  readonly log?: HostLog | undefined;
  readonly isTrusted: TrustedPeers;
  /** The supported platforms. Default: all. */
  readonly dialects?: readonly Dialect[];
  /** Answers requests that no route answers if there is no `next`. Default: 404. */
  readonly last?: Fallback;
  /** Time limit of a store's call. Default: CALL_TIMEOUT_MS. */
  readonly callTimeoutMs?: number;
}

interface OwnParts extends Omit<EmbeddedEdgeParts, 'log'> {
  readonly log: Log;
  readonly site: RunningSite;
  /** Takes the guard off the process. */
  readonly release: () => void;
}

/** One nexthop inside a host server. Owns everything that it opens until `close`. */
export class EmbeddedEdge {
  readonly #parts: OwnParts;
  readonly #exchanges: Exchanges;
  readonly #webSockets: WebSockets;
  readonly #handler: Handler;
  #closed: Promise<void> | undefined;
  #isHttp2Reported = false;

  private constructor(parts: OwnParts) {
    const { config, log, isTrusted, site, last } = parts;
    this.#parts = parts;
    this.#exchanges = new Exchanges({ isTrusted, pendingWork: site.pendingWork, log });
    this.#webSockets = new WebSockets({
      slots: new UpgradeSlots(config.MAX_TUNNELS),
      idleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT,
    });
    this.#handler = new Handler({
      sites: site,
      fallback: nextOr(last),
      webSockets: this.#webSockets,
      // The host has its own readiness check and metrics.
      pages: [],
      // So is the limit of bodies.
      bodyLimitBytes: 0,
      log,
      dev: config.DEV,
    });
    site.answerOwnCallsBy({
      handle: (request, response) => void this.#handler.handle(this.#exchanges.open(request, response)),
      refuse: (_fault, response) => response.abort(),
    });
  }

  /**
   * Opens the log, reads the site and starts its jobs. Rejects with a LogError, or with a SiteError
   * after closing everything that was opened, also the log.
   */
  static async open(parts: EmbeddedEdgeParts): Promise<EmbeddedEdge> {
    const { config, dialects, callTimeoutMs } = parts;
    const { site: root, DATA_DIR: dataDir, ASTRO_ENTRY: astroEntry } = config;
    const log = openLogOf(parts);
    const release = guardHost({ log, site: root, isSiteCode: toSiteCode({ site: root, dataDir, astroEntry }) });
    try {
      const site = await RunningSite.open({ config, log, callTimeoutMs, ...(dialects && { dialects }) });
      logProblems(log, site.current.problems);
      await site.warm();
      site.start();
      site.own(() => void site.reload());
      return new EmbeddedEdge({ ...parts, log, site, release });
    } catch (error) {
      release();
      await log.close(LOG_CLOSE_MS);
      throw error;
    }
  }

  /**
   * Answers, or calls `next`. Resolves when the response is passed to the connection. Rejects only
   * with an error that `next` throws.
   */
  async serve(message: IncomingMessage, answer: ServerResponse, next?: () => void, locals?: object): Promise<void> {
    if (message.httpVersionMajor > 1) {
      this.#refuseHttp2(message, answer);
      return;
    }
    completeSimulated(message, answer);
    // Skip a request that is already answered or abandoned. `*` is about the server, which is the
    // host's.
    if (answer.headersSent || answer.closed || (next && message.url === '*')) {
      next?.();
      return;
    }
    const request = new HostRequest({ message, isUpgrade: false });
    const response = new HostResponse({ request, response: answer });
    if (await this.#isAnswered(request, response, { hasNext: next !== undefined, locals })) return;
    next?.();
  }

  /**
   * Lets a function open the WebSocket, or calls `next` with the bytes after the request. Rejects
   * only with an error that `next` throws.
   */
  async upgrade(message: IncomingMessage, socket: Socket, head: Buffer, next?: (head: Buffer) => void): Promise<void> {
    const request = new HostRequest({ message, isUpgrade: true });
    const isWebSocket = isWebSocketRequest(request);
    if (next && !isWebSocket) {
      next(head);
      return;
    }
    const connection = new HostUpgrade(request, socket, head);
    const response = new HostResponse({ request, response: connection.response, connection });
    const refusal = isWebSocket ? undefined : new Fault('not_found', { message: NO_WEB_SOCKET });
    if (await this.#isAnswered(request, response, { hasNext: next !== undefined, refusal })) return;
    next?.(connection.giveBack());
  }

  /** The site that serves new requests. */
  get site(): Site {
    return this.#parts.site.current;
  }

  /** See RunningSite. */
  runJobs(name?: string): ReturnType<RunningSite['runJobs']> {
    return this.#parts.site.runJobs(name);
  }

  /** Reads the site again and serves new requests from it. No request is dropped. Never rejects. */
  reload(): Promise<Reload> {
    return this.#parts.site.reload();
  }

  /**
   * Closes everything. From now on every request gets 503. Requests in flight, jobs and background
   * work have DRAIN_TIMEOUT, then they are cut. Resolves when nothing is left that keeps the
   * process alive.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { config, site, log, release } = this.#parts;
    const { DRAIN_TIMEOUT } = config;
    const retired = site.retire(DRAIN_TIMEOUT);
    const finished = Promise.all([this.#exchanges.settled(), this.#webSockets.close(DRAIN_TIMEOUT), retired])
      // A request that ends during the drain may still add background work.
      .then(() => site.pendingWork.settled());
    if (!(await withTimeout(DRAIN_TIMEOUT, finished))) {
      const left = { requests: this.#exchanges.size, web_sockets: this.#webSockets.size, work: site.pendingWork.size };
      log.warn(
        'the drain of the middleware timed out; the remaining work is cut: raise DRAIN_TIMEOUT if it needs longer',
        left,
      );
      this.#exchanges.abort();
    }
    await site.close();
    release();
    await log.close(LOG_CLOSE_MS);
  }

  /** False: the host has its request and response back. */
  async #isAnswered(
    request: HostRequest,
    response: HostResponse,
    { hasNext, locals, refusal }: VisitOptions,
  ): Promise<boolean> {
    const exchange = this.#exchanges.open(request, response);
    exchange.locals = locals;
    const visit = new Visit({ exchange, request, response, hasNext });
    await this.#handler.handle(exchange, this.#closed ? new Fault('draining') : (request.fault ?? refusal));
    if (visit.isOver) this.#exchanges.release(exchange);
    return !visit.isOver;
  }

  #refuseHttp2(request: IncomingMessage, response: ServerResponse): void {
    refuseHttp2(request, response);
    if (this.#isHttp2Reported) return;
    this.#isHttp2Reported = true;
    this.#parts.log.warn(
      'a request over HTTP/2 was refused, as every later one will be: a middleware supports HTTP/1.1 only',
    );
  }
}

function openLogOf({ config, log }: EmbeddedEdgeParts): Log {
  const { LOG_DIR: dir, LOG_LEVEL: level, LOG_STDOUT: stdout, LOG_SHORT_ADDRESSES: shortAddresses, site } = config;
  return openHostLog(log, { dir, level, stdout, shortAddresses, site });
}

interface VisitOptions {
  readonly hasNext: boolean;
  readonly locals?: object | undefined;
  readonly refusal?: Fault | undefined;
}

const NO_WEB_SOCKET = 'the upgrade is not for a WebSocket, and the host gave no next';

/**
 * The fallback of a middleware: the host's `next`. Without `next`, `last` answers; without that the
 * request fails with `not_found`.
 */
function nextOr(last: Fallback | undefined): Fallback {
  return {
    name: 'next',
    async answer(exchange: Exchange, params: Params): Promise<Outcome> {
      const { hostServer } = exchange;
      if (last && !hostServer?.hasNext) {
        exchange.answeredBy = last.name;
        return last.answer(exchange, params);
      }
      // A request of nexthop itself has no host to which it could go back.
      if (!hostServer) throw new Fault('not_found', { message: 'no route of the site answers' });
      hostServer.takeBack();
      return 'answered';
    },
  };
}

/**
 * Answers a request of Node's HTTP/2 compatibility API with 505. Functions would get pseudo-headers
 * (`:path`) and no Host. Passing it to `next` would bypass the filters that protect the site.
 */
function refuseHttp2({ headers }: IncomingMessage, response: ServerResponse): void {
  const fault = new Fault('version_unsupported');
  const page = toFaultPage(fault, { requestId: '', accept: headers.accept ?? '', dev: false });
  response.statusCode = fault.status;
  response.setHeader('Content-Type', page.contentType);
  response.setHeader('Cache-Control', 'no-store');
  response.end(page.body);
}
