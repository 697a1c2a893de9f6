import { Deadlines } from '../contract/deadlines.ts';
import type { Exchange } from '../contract/exchange.ts';
import type { Log } from '../contract/log.ts';
import { type CallTools, TimedCall } from './timed-call.ts';

export interface FunctionLimitsOptions {
  /** Largest request body in bytes; 0: no separate limit. */
  readonly bodyBytes: number;
  /** Longest time from the call to the head of the response; 0: no limit. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/**
 * Limits of a function: bytes of its request and time until it answers. All functions with the same
 * limits share one object.
 */
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

  /**
   * Call it before the function. Throws `body_too_large` if the announced Content-Length exceeds
   * the function's limit.
   */
  limitBody(exchange: Exchange): void {
    exchange.limitBody(this.#bodyBytes);
  }

  /**
   * Settles like `work`, unless the time is up before the head of the response is sent. Then it
   * rejects with `function_timeout` and aborts the signal of the exchange. The late result of
   * `work` is logged and not used.
   */
  inTime<T>(exchange: Exchange, work: PromiseLike<T>): PromiseLike<T> {
    return this.#timeoutMs === 0 ? work : new TimedCall(this.#tools, exchange, work).settled;
  }

  /** Logs that a function answered after its timeout. */
  reportLate(exchange: Exchange): void {
    this.#tools.reportLate(exchange, undefined);
  }
}

function reportLate(log: Log, exchange: Exchange, error: unknown): void {
  log.warn(
    'a function finished after its timeout; its result is not used: raise the timeout, or let it answer sooner',
    {
      target: exchange.answeredBy,
      request_id: exchange.requestId.value,
      ...(error === undefined ? undefined : { error }),
    },
  );
}
