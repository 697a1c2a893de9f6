import { Pool } from 'undici';
import type { Origin } from '../config/setting.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Fallback, Outcome } from '../contract/target.ts';
import { answerOptions } from '../http/write-head.ts';
import { Deadlines } from '../timing/deadlines.ts';
import { AddressWatch } from './address-watch.ts';
import type { ForwardTools } from './connections.ts';
import { Connections } from './connections.ts';
import { Forward } from './forward.ts';
import { type RequestBody, toRequestBody } from './request-body.ts';
import type { RequestHeaders } from './request-headers.ts';
import type { ResponseHeaders } from './response-headers.ts';

export interface HopOptions {
  readonly origin: Origin;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveMs: number;
  /** How often the name of the hop is looked up, so that a changed address is picked up; 0: never. */
  readonly lookupIntervalMs: number;
  readonly connections: number;
  /** Requests beyond `connections` that may wait for one. */
  readonly queue: number;
  readonly headerLimitBytes: number;
  readonly requestHeaders: RequestHeaders;
  readonly responseHeaders: ResponseHeaders;
}

const ANSWERED: Promise<Outcome> = Promise.resolve('answered');

/** The next hop of the chain: answers every fallback. */
export class Hop implements Fallback {
  readonly name = 'next-hop';
  readonly #tools: ForwardTools;
  readonly #requestHeaders: RequestHeaders;
  readonly #mostLoad: number;
  readonly #addressWatch: AddressWatch;

  constructor(options: HopOptions) {
    const connections = new Connections(options.connectTimeoutMs);
    const deadlines = new Deadlines([options.firstByteTimeoutMs, options.idleTimeoutMs]);
    this.#requestHeaders = options.requestHeaders;
    this.#mostLoad = options.connections + options.queue;
    this.#tools = {
      pool: openPool(options, connections),
      connections,
      deadlines,
      responseHeaders: options.responseHeaders,
      firstByteTicks: deadlines.toTicks(options.firstByteTimeoutMs),
      idleTicks: deadlines.toTicks(options.idleTimeoutMs),
      load: { count: 0 },
    };
    this.#addressWatch = new AddressWatch(options.origin.hostname, options.lookupIntervalMs, () => {
      // What is under way there is finished; then the pool is gone.
      void this.#tools.pool.close();
      this.#tools.pool = openPool(options, connections);
    });
  }

  /** Forwards the request and its answer. Rejects with, or throws, a Fault of the hop, `loop_detected`, or `hop_busy` when too many wait already. */
  answer(exchange: Exchange): Promise<Outcome> {
    const { request } = exchange;
    if (request.method === 'OPTIONS' && request.headers['max-forwards'] === '0') {
      answerOptions(exchange);
      return ANSWERED;
    }
    return this.#forward(exchange, false);
  }

  /** The same for a request without a body; passes when the hop has nothing there (404), which nobody is told, or cannot be reached. */
  answerUnlessMissing(exchange: Exchange): Promise<Outcome> {
    return this.#forward(exchange, true);
  }

  #forward(exchange: Exchange, unlessMissing: boolean): Promise<Outcome> {
    const fields = this.#requestHeaders.toHop(exchange);
    if (this.#tools.load.count >= this.#mostLoad) {
      throw new Fault('hop_busy', {
        message: `${this.#tools.load.count} requests wait for the hop`,
        headers: ['Retry-After', '1'],
      });
    }
    const start = (body: RequestBody): Promise<Outcome> => {
      const forward = new Forward(this.#tools, { exchange, fields, body, unlessMissing });
      forward.start();
      return forward.settled;
    };
    const body = toRequestBody(exchange);
    return typeof body === 'string' ? start(body) : body.then(start);
  }

  /** Ends every connection to the hop; what is still running fails. */
  async close(): Promise<void> {
    this.#addressWatch.close();
    await this.#tools.pool.destroy();
  }
}

function openPool(
  { origin, connections: most, keepAliveMs, headerLimitBytes }: HopOptions,
  { connect }: Connections,
): Pool {
  return new Pool(`http://${origin.host}`, {
    connect,
    connections: most,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: headerLimitBytes,
    // One at a time: no answer waits behind another, and none can be taken for another's.
    pipelining: 1,
    // The other parser refuses answers that are in order (an empty reason phrase, HTTP/1.0); not even the environment may choose it.
    useMilo: false,
  });
}
