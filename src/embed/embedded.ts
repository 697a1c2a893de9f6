import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Config } from '../config/config.ts';
import type { TrustedPeers } from '../config/setting.ts';
import type { Dialect } from '../contract/dialect.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Log } from '../contract/log.ts';
import { logProblems } from '../contract/problem.ts';
import type { Fallback, Outcome, Params } from '../contract/target.ts';
import { Handler } from '../handler.ts';
import { isTunnelRequest } from '../hop/tunnel.ts';
import { Exchanges } from '../http/exchanges.ts';
import { toFaultPage } from '../http/fault-page.ts';
import { Ready } from '../http/ready.ts';
import { UpgradeSlots } from '../http/upgrade-slots.ts';
import { WebSockets } from '../http/web-sockets.ts';
import type { Reload } from '../site/live-site.ts';
import { RunningSite } from '../site/running-site.ts';
import { withTimeout } from '../timing/with-timeout.ts';
import { completeSimulated } from './complete-simulated.ts';
import { Visit } from './host-head.ts';
import { AskedRequest } from './host-request.ts';

/** How long the log may take to get its last lines out. */
const LOG_CLOSE_MS = 1000;

export interface EmbeddedEdgeParts {
  readonly config: Config;
  readonly log: Log;
  readonly isTrusted: TrustedPeers;
  /** The platforms whose sites are understood; default: all there are. */
  readonly dialects?: readonly Dialect[];
  /** Answers what nobody here does, where nobody stands behind; default: that is 404. */
  readonly last?: Fallback;
}

interface OwnParts extends EmbeddedEdgeParts {
  readonly site: RunningSite;
}

/** One nexthop inside of somebody else's server: everything of it that lives as long as he wants it. */
export class EmbeddedEdge {
  readonly #parts: OwnParts;
  readonly #exchanges: Exchanges;
  readonly #webSockets: WebSockets;
  readonly #handler: Handler;
  #closed: Promise<void> | undefined;
  #isHttp2Told = false;

  private constructor(parts: OwnParts) {
    const { config, log, isTrusted, site, last } = parts;
    this.#parts = parts;
    this.#exchanges = new Exchanges({ isTrusted, pendingWork: site.pendingWork, log, bodyLimitBytes: 0 });
    this.#webSockets = new WebSockets({
      slots: new UpgradeSlots(config.MAX_TUNNELS),
      idleTimeoutMs: config.TUNNEL_IDLE_TIMEOUT,
    });
    this.#handler = new Handler({
      sites: site,
      fallback: nextOr(last),
      webSockets: this.#webSockets,
      tunnels: { open: async ({ hostServer }, head) => hostServer?.takeBack(head) },
      // Whether he is ready, the host knows.
      ready: new Ready(''),
      log,
      dev: config.DEV,
    });
  }

  /** Reads the site and begins to run its jobs. Rejects with a SiteError; whatever was opened, the log too, is closed then. */
  static async open(parts: EmbeddedEdgeParts): Promise<EmbeddedEdge> {
    const { config, log, dialects } = parts;
    try {
      const site = await RunningSite.open({ config, log, ...(dialects && { dialects }) });
      logProblems(log, site.current.problems);
      await site.warm();
      site.start();
      return new EmbeddedEdge({ ...parts, site });
    } catch (error) {
      await log.close(LOG_CLOSE_MS);
      throw error;
    }
  }

  /** Answers, or calls `next`. Resolves when the answer is handed to the connection; rejects only with what `next` throws. */
  async serve(request: IncomingMessage, response: ServerResponse, next?: () => void, locals?: object): Promise<void> {
    if (request.httpVersionMajor > 1) {
      this.#refuseHttp2(request, response);
      return;
    }
    completeSimulated(request, response);
    // What is answered or left already is nobody's, and `*` is about the server, which is the host's.
    if (response.headersSent || response.closed || (next && request.url === '*')) {
      next?.();
      return;
    }
    const asked = new AskedRequest(request);
    const exchange = this.#exchanges.open(request, response, this.#closed && new Fault('draining'));
    exchange.locals = locals;
    const visit = new Visit({ exchange, asked, hasNext: next !== undefined });
    await this.#handler.handle(exchange, exchange.fault);
    if (!visit.isOver) return;
    this.#exchanges.release(exchange);
    next?.();
  }

  /** Lets a function open a WebSocket, or calls `next` with what came behind the request. Rejects only with what `next` throws. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer, next?: (head: Buffer) => void): Promise<void> {
    if (next && !isTunnelRequest(request)) {
      next(head);
      return;
    }
    const asked = new AskedRequest(request);
    const exchange = this.#exchanges.openUpgrade(request, socket, this.#refusalOf(request));
    const visit = new Visit({ exchange, asked, hasNext: next !== undefined });
    await this.#handler.handleTunnel(exchange, head, exchange.fault);
    if (!visit.isOver) return;
    this.#exchanges.releaseUpgrade(exchange);
    next?.(takeHead(socket, visit.head));
  }

  /** Reads the site again and lets it answer, without dropping a request. Never rejects. */
  reload(): Promise<Reload> {
    return this.#parts.site.reload();
  }

  /**
   * Ends all of it: from now on every request is answered 503. Those under way, jobs and work behind answers have DRAIN_TIMEOUT, then they are cut. Resolves
   * when nothing is left that would keep the process alive.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { config, site, log } = this.#parts;
    const { DRAIN_TIMEOUT } = config;
    const retired = site.retire(DRAIN_TIMEOUT);
    const finished = Promise.all([this.#exchanges.settled(), this.#webSockets.close(DRAIN_TIMEOUT), retired])
      // To which those that end now may still add.
      .then(() => site.pendingWork.settled());
    if (!(await withTimeout(DRAIN_TIMEOUT, finished))) {
      const left = { requests: this.#exchanges.size, web_sockets: this.#webSockets.size, work: site.pendingWork.size };
      log.warn('the middleware was closed before all was over; what was left is cut', left);
      for (const exchange of this.#exchanges) cut(exchange);
    }
    await site.close();
    await log.close(LOG_CLOSE_MS);
  }

  #refusalOf(request: IncomingMessage): Fault | undefined {
    if (this.#closed) return new Fault('draining');
    return isTunnelRequest(request)
      ? undefined
      : new Fault('not_found', { message: 'no WebSocket, and nobody stands behind' });
  }

  #refuseHttp2(request: IncomingMessage, response: ServerResponse): void {
    refuseHttp2(request, response);
    if (this.#isHttp2Told) return;
    this.#isHttp2Told = true;
    this.#parts.log.warn(
      'a request over HTTP/2 was refused, as all will be: nexthop inside of a server speaks HTTP/1.1',
    );
  }
}

/** It ends with the connection, which is how a client can tell. */
function cut({ response, socket }: Exchange): void {
  response.destroy();
  socket.destroy();
}

/** What stands behind a middleware: there the host answers what nobody here does. Where nobody stands, `last` answers; without it that is `not_found`. */
function nextOr(last: Fallback | undefined): Fallback {
  return {
    name: 'next',
    async answer(exchange: Exchange, params: Params): Promise<Outcome> {
      const { hostServer } = exchange;
      if (last && !hostServer?.hasNext) {
        exchange.answeredBy = last.name;
        return last.answer(exchange, params);
      }
      hostServer?.takeBack();
      return 'answered';
    },
  };
}

/**
 * Answers what Node makes of a request over HTTP/2 for those who know HTTP/1: 505. Functions would find fields that are none (`:path`) and no Host, and
 * to let it pass would lead around whatever guards the site.
 */
function refuseHttp2({ headers }: IncomingMessage, response: ServerResponse): void {
  const fault = new Fault('version_unsupported');
  const page = toFaultPage(fault, { requestId: '', accept: headers.accept ?? '', dev: false });
  response.statusCode = fault.status;
  response.setHeader('Content-Type', page.contentType);
  response.setHeader('Cache-Control', 'no-store');
  response.end(page.body);
}

/**
 * What a client has sent behind its request for an upgrade, `head` first, as node:http would hand it out; the socket is then as node:http hands it out, too:
 * neither flowing nor paused, so that whoever listens to its data gets them.
 */
function takeHead(socket: Socket, head: Buffer): Buffer {
  const rest: Buffer | null = socket.read();
  // The types take it for read-only; Node itself sets it (_http_server.js, onParserExecuteCommon).
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
  return rest ? Buffer.concat([head, rest]) : head;
}
