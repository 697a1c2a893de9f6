import { Pool } from 'undici';
import { Fault } from '../fault.ts';
import type { Exchange } from '../http/exchange.ts';
import { answerOptions } from '../http/options-answer.ts';
import type { Origin } from '../setting.ts';
import type { Outcome, Target } from '../target.ts';
import type { AnswerFields } from './answer-fields.ts';
import { Connections } from './connections.ts';
import { Deadlines } from './deadlines.ts';
import { Forward, type ForwardTools } from './forward.ts';
import type { RequestFields } from './request-fields.ts';

export interface HopOptions {
  readonly origin: Origin;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveMs: number;
  /** A connection older than this is replaced when it is free, so that a changed address is picked up. */
  readonly connectionAgeMs: number;
  readonly connections: number;
  /** Requests beyond `connections` that may wait for one. */
  readonly queue: number;
  readonly headerLimitBytes: number;
  readonly requestFields: RequestFields;
  readonly answerFields: AnswerFields;
}

/** The next hop of the chain: answers every miss. */
export class Hop implements Target {
  readonly name = 'next-hop';
  readonly #tools: ForwardTools;
  readonly #requestFields: RequestFields;
  readonly #mostLoad: number;

  constructor(options: HopOptions) {
    const connections = new Connections(options.connectTimeoutMs);
    const deadlines = new Deadlines([options.firstByteTimeoutMs, options.idleTimeoutMs]);
    const pool = new Pool(`http://${options.origin.host}`, {
      connect: connections.connect,
      connections: options.connections,
      clientTtl: options.connectionAgeMs,
      keepAliveTimeout: options.keepAliveMs,
      keepAliveMaxTimeout: options.keepAliveMs,
      maxHeaderSize: options.headerLimitBytes,
      // One at a time: no answer waits behind another, and none can be taken for another's.
      pipelining: 1,
      // The other parser refuses answers that are in order (an empty reason phrase, HTTP/1.0); not even the environment may choose it.
      useMilo: false,
    });
    this.#requestFields = options.requestFields;
    this.#mostLoad = options.connections + options.queue;
    this.#tools = {
      pool,
      connections,
      deadlines,
      answerFields: options.answerFields,
      firstByteTicks: deadlines.toTicks(options.firstByteTimeoutMs),
      idleTicks: deadlines.toTicks(options.idleTimeoutMs),
      load: { count: 0 },
    };
  }

  /** Forwards the request and its answer. Throws a Fault of the hop, `loop_detected`, or `hop_busy` when too many wait already. */
  async answer(exchange: Exchange): Promise<Outcome> {
    const { request } = exchange;
    if (request.method === 'OPTIONS' && request.headers['max-forwards'] === '0') {
      answerOptions(exchange);
      return 'answered';
    }
    const fields = this.#requestFields.toHop(exchange);
    if (this.#tools.load.count >= this.#mostLoad) {
      throw new Fault('hop_busy', {
        message: `${this.#tools.load.count} requests wait for the hop`,
        headers: ['Retry-After', '1'],
      });
    }
    const forward = new Forward(this.#tools, { exchange, fields, hasBody: hasBody(exchange) });
    forward.start();
    await forward.settled;
    return 'answered';
  }

  /** Ends every connection to the hop; what is still running fails. */
  async close(): Promise<void> {
    await this.#tools.pool.destroy();
  }
}

/** Content-Length above 0 or any transfer coding (RFC 9112 6). Passing a stream for a GET without would frame it as chunked. */
function hasBody({ request }: Exchange): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}
