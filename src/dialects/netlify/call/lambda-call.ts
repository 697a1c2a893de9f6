import { Fault } from '../../../contract/fault.ts';
import type { Callback } from './lambda-context.ts';

/** Tells of an answer that came when there was one already; `error` undefined if it was no error. */
export type ReportLate = (error: unknown) => void;

/** One call of a handler: the first of what it returns, calls back and throws is its result. */
export class LambdaCall {
  /** Rejects with what the handler failed with. */
  readonly result: Promise<unknown>;
  /** May be called any number of times, at any time. */
  readonly done: Callback;
  readonly #reportLate: ReportLate;
  #resolve!: (result: unknown) => void;
  #reject!: (error: unknown) => void;
  #isSettled = false;

  constructor(reportLate: ReportLate) {
    this.#reportLate = reportLate;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done = (error, result) => {
      if (this.#isSettled) reportLate(error ?? undefined);
      else if (error === undefined || error === null) this.#succeed(result);
      else this.#fail(error);
    };
  }

  /** What the handler returned. `mayCallBack`: if it is no promise, more may come. */
  returned(value: unknown, mayCallBack: boolean): void {
    if (isThenable(value)) this.#follow(value);
    else if (!this.#isSettled && (isData(value) || !mayCallBack)) this.#fail(noResponse(value));
  }

  threw(error: unknown): void {
    if (this.#isSettled) this.#reportLate(error);
    else this.#fail(error);
  }

  #follow(promise: PromiseLike<unknown>): void {
    // Not `promise.then`, which may be anybody's and throw.
    Promise.resolve(promise).then(
      // An async handler that called back resolves too, with nothing: of two results the second one does nothing.
      (result) => this.#succeed(result),
      (error) => this.threw(error),
    );
  }

  #succeed(result: unknown): void {
    this.#isSettled = true;
    this.#resolve(result);
  }

  #fail(error: unknown): void {
    this.#isSettled = true;
    this.#reject(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Text, a list, a plain object: meant as the answer, which Lambda does not take from a function that is not async. Anything else is what
 * the last expression happened to give, such as a timer behind which the callback will come.
 */
function isData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string';
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}

function noResponse(value: unknown): Fault {
  const message = `gave no response: it returned ${value === undefined ? 'nothing' : 'a value'}, but is not async; return a promise, or use the callback`;
  return new Fault('function_bad_answer', { message });
}
