import type { Deadlines, Watched } from '../contract/deadlines.ts';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Member } from '../contract/in-flight.ts';

/** State that all calls with the same limit share. */
export interface CallTools {
  readonly deadlines: Deadlines;
  /** The limit in ticks of `deadlines`. */
  readonly ticks: number;
  readonly timeoutMs: number;
  readonly reportLate: (exchange: Exchange, error: unknown) => void;
}

/** One call of a function until the head of its response is sent. */
export class TimedCall<T> implements Watched {
  /** Settles like the work, or rejects with `function_timeout`. */
  readonly settled: Promise<T>;
  movedAt = 0;
  nextMember: Member | undefined;
  previousMember: Member | undefined;
  readonly #tools: CallTools;
  readonly #exchange: Exchange;
  #reject!: (reason: unknown) => void;
  #isWatched = true;
  #isLate = false;

  constructor(tools: CallTools, exchange: Exchange, work: PromiseLike<T>) {
    this.#tools = tools;
    this.#exchange = exchange;
    tools.deadlines.add(this);
    this.settled = new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(
        (value) => {
          this.#end(undefined);
          resolve(value);
        },
        (error) => {
          this.#end(error);
          reject(error);
        },
      );
    });
  }

  allowedTicks(): number {
    // On the platform the time starts when the whole body has arrived. A slow client does not make
    // the function slow, and it has a separate timeout.
    if (this.#exchange.request.body.isAwaited) this.movedAt = this.#tools.deadlines.now;
    return this.#tools.ticks;
  }

  expire(): void {
    this.#unwatch();
    const exchange = this.#exchange;
    // The response is now streaming; this limit does not apply to streams.
    if (exchange.response.isHeadWritten) return;
    this.#isLate = true;
    const fault = new Fault('function_timeout', {
      message: `the function did not answer within ${this.#tools.timeoutMs} ms`,
    });
    // Reject first, so that code which listens to the signal cannot answer in between.
    this.#reject(fault);
    exchange.abort(fault);
  }

  #end(error: unknown): void {
    this.#unwatch();
    if (this.#isLate) this.#tools.reportLate(this.#exchange, error);
  }

  #unwatch(): void {
    if (this.#isWatched) this.#tools.deadlines.remove(this);
    this.#isWatched = false;
  }
}
