import { Deadlines, type Watched } from '../contract/deadlines.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Member } from '../contract/in-flight.ts';
import type { StreamWatch, Writing } from './web-response-stream.ts';

export interface StreamLimitsOptions {
  /** Time in ms from the call of the function to the end of its response; 0: no limit. */
  readonly timeMs: number;
  /** Size of the response in bytes; 0: no limit. */
  readonly bytes: number;
}

/**
 * Limits of streamed responses. Above a limit the stream is cancelled, the request's signal aborts
 * and the connection is cut, so that the client sees an incomplete response (the platform only
 * stops sending). A response whose body is one chunk is not limited. All functions with the same
 * limits share one object.
 */
export class StreamLimits {
  readonly #options: StreamLimitsOptions;
  readonly #deadlines: Deadlines;

  constructor(options: StreamLimitsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines([options.timeMs]);
  }

  /**
   * Creates the watch for one response. `calledAtMs`: the time of the function's call, by
   * performance.now().
   */
  watch(exchange: Exchange, calledAtMs: number): StreamWatch {
    return new LimitedStream(exchange, calledAtMs, this.#options, this.#deadlines);
  }
}

class LimitedStream implements StreamWatch, Watched {
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  readonly #exchange: Exchange;
  readonly #calledAtMs: number;
  readonly #options: StreamLimitsOptions;
  readonly #deadlines: Deadlines;
  #writing: Writing | undefined;
  #ticks = 0;

  constructor(exchange: Exchange, calledAtMs: number, options: StreamLimitsOptions, deadlines: Deadlines) {
    this.#exchange = exchange;
    this.#calledAtMs = calledAtMs;
    this.#options = options;
    this.#deadlines = deadlines;
  }

  begin(writing: Writing): void {
    const { timeMs } = this.#options;
    if (timeMs === 0) return;
    const leftMs = this.#calledAtMs + timeMs - performance.now();
    this.#ticks = this.#deadlines.toTicks(Math.max(1, leftMs));
    this.#writing = writing;
    this.#deadlines.add(this);
  }

  count(bytes: number): void {
    const { bytes: limit } = this.#options;
    if (limit === 0 || bytes <= limit) return;
    const fault = new Fault('function_bad_answer', {
      message: `the streamed answer is larger than ${limit} bytes and was cut; FUNCTION_STREAM_LIMIT sets the limit`,
    });
    this.#exchange.abort(fault);
    throw fault;
  }

  end(): void {
    if (this.#writing) this.#deadlines.remove(this);
    this.#writing = undefined;
  }

  allowedTicks(): number {
    return this.#ticks;
  }

  expire(): void {
    const writing = this.#writing;
    this.end();
    const fault = new Fault('function_timeout', {
      message: `the streamed answer was not complete within ${this.#options.timeMs} ms and was cut; FUNCTION_STREAM_TIMEOUT sets the limit`,
    });
    writing?.stop(fault);
    this.#exchange.abort(fault);
  }
}
