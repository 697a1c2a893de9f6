import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import { Deadlines } from '../timing/deadlines.ts';
import { type CallTools, TimedCall } from './timed-call.ts';

export interface FunctionLimitsOptions {
  /** Largest body of a request; 0: no limit of its own. */
  readonly bodyBytes: number;
  /** Longest time from the call to the head of the answer; 0: no limit. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/** What a user's function may take: bytes of its request and time until it answers. One object for all functions that have the same. */
export class FunctionLimits {
  readonly #bodyBytes: number;
  readonly #timeoutMs: number;
  readonly #tools: CallTools;

  constructor({ bodyBytes, timeoutMs, log }: FunctionLimitsOptions) {
    this.#bodyBytes = bodyBytes;
    this.#timeoutMs = timeoutMs;
    const deadlines = new Deadlines([timeoutMs]);
    this.#tools = {
      deadlines,
      ticks: deadlines.toTicks(timeoutMs),
      timeoutMs,
      reportLate: (...late) => reportLate(log, ...late),
    };
  }

  /** Before the function is called. Throws `body_too_large` when the length that the client announced is more than the function may take. */
  limitBody(exchange: Exchange): void {
    exchange.limitBody(this.#bodyBytes);
  }

  /**
   * Settles like `work`, unless the time is up before the head of the answer is sent: then rejects with `function_timeout`, aborts the
   * signal of the exchange, and tells the log of what `work` comes to after all.
   */
  inTime<T>(exchange: Exchange, work: PromiseLike<T>): PromiseLike<T> {
    return this.#timeoutMs === 0 ? work : new TimedCall(this.#tools, exchange, work).settled;
  }

  /** Somebody answered whose time was up long ago. */
  reportLate(exchange: Exchange): void {
    this.#tools.reportLate(exchange, undefined);
  }
}

function reportLate(log: Log, exchange: Exchange, error: unknown): void {
  log.warn('a function came to its end after its time was up; what it gave is not used', {
    target: exchange.answeredBy,
    request_id: exchange.requestId.value,
    ...(error === undefined ? undefined : { error }),
  });
}
