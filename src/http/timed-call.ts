import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { Deadlines, Watched } from '../timing/deadlines.ts';
import type { Member } from '../timing/in-flight.ts';

/** What all calls with one limit share. */
export interface CallTools {
  readonly deadlines: Deadlines;
  /** The limit. */
  readonly ticks: number;
  readonly timeoutMs: number;
  readonly reportLate: (exchange: Exchange, error: unknown) => void;
}

/** One call of a function, for as long as the head of its answer is not sent. */
export class TimedCall<T> implements Watched {
  /** As the work does, or rejects with `function_timeout`. */
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
    // On the platform the clock starts when the whole body is there. A slow client is no slow function; it has a timeout of its own.
    if (isWaitingForBody(this.#exchange)) this.movedAt = this.#tools.deadlines.now;
    return this.#tools.ticks;
  }

  expire(): void {
    this.#unwatch();
    const exchange = this.#exchange;
    // From here on it streams, which may take as long as it takes.
    if (exchange.response.headersSent) return;
    this.#isLate = true;
    const fault = new Fault('function_timeout', { message: `no answer within ${this.#tools.timeoutMs} ms` });
    // First, so that work which listens to the signal cannot answer in the meantime.
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

/** The body is not complete, and what came of it is read. */
function isWaitingForBody({ request, continueAwaited }: Exchange): boolean {
  return !request.complete && request.readableLength === 0 && !continueAwaited;
}
