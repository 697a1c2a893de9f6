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
  /** Interval of the look-ups that detect a changed address of the hop; 0: never. */
  readonly lookupIntervalMs: number;
  readonly connections: number;
  /** Number of requests that may wait for a connection. */
  readonly queue: number;
  readonly headerLimitBytes: number;
  readonly requestHeaders: RequestHeaders;
  readonly responseHeaders: ResponseHeaders;
}

const ANSWERED: Promise<Outcome> = Promise.resolve('answered');

/** The next hop. It answers every request that no route of the site answers. */
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
      // Requests in flight on the old pool finish; then it closes.
      void this.#tools.pool.close();
      this.#tools.pool = openPool(options, connections);
    });
  }

  /**
   * Forwards the request and its response. Rejects with or throws a Fault of the hop,
   * `loop_detected`, or `hop_busy` if too many requests wait.
   */
  answer(exchange: Exchange): Promise<Outcome> {
    const { request } = exchange;
    if (request.method === 'OPTIONS' && request.headers['max-forwards'] === '0') {
      answerOptions(exchange);
      return ANSWERED;
    }
    return this.#forward(exchange, false);
  }

  /**
   * The same for a request without a body. Resolves with 'passed' if the hop answers 404 or is
   * unreachable; then nothing is sent to the client.
   */
  answerUnlessMissing(exchange: Exchange): Promise<Outcome> {
    return this.#forward(exchange, true);
  }

  #forward(exchange: Exchange, unlessMissing: boolean): Promise<Outcome> {
    const fields = this.#requestHeaders.toHop(exchange);
    if (this.#tools.load.count >= this.#mostLoad) {
      throw new Fault('hop_busy', {
        message: `${this.#tools.load.count} requests are in flight or queued for the hop, which is the limit (HOP_CONNECTIONS + HOP_QUEUE)`,
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

  /** Closes every connection to the hop. Requests in flight fail. */
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
    // One request at a time per connection: no response waits for another one or can be mistaken
    // for it.
    pipelining: 1,
    // undici's other parser rejects valid responses (an empty reason phrase, HTTP/1.0). Set here,
    // so that the environment cannot choose it.
    useMilo: false,
  });
}
