import { Fault } from '../../../contract/fault.ts';
import type { Callback } from './lambda-context.ts';

/** Reports a result after the first one; `error` is undefined if it was no error. */
export type ReportLate = (error: unknown) => void;

/**
 * One call of a handler. Its result is the first of: returned promise or value, callback, thrown
 * error.
 */
export class LambdaCall {
  /** Rejects with the error of the handler. */
  readonly result: Promise<unknown>;
  /** The callback of the handler. It may be called any number of times, at any time. */
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

  /**
   * Takes the return value of the handler. `mayCallBack`: if the value is no promise, a callback
   * may still follow.
   */
  takeReturned(value: unknown, mayCallBack: boolean): void {
    if (isThenable(value)) this.#follow(value);
    else if (!this.#isSettled && (looksLikeResponse(value) || !mayCallBack)) this.#fail(noResponse(value));
  }

  takeThrown(error: unknown): void {
    if (this.#isSettled) this.#reportLate(error);
    else this.#fail(error);
  }

  #follow(promise: PromiseLike<unknown>): void {
    // Not `promise.then` itself: a custom `then` may throw.
    Promise.resolve(promise).then(
      // An async handler that used the callback also resolves, with undefined. Resolving a settled
      // promise does nothing.
      (result) => this.#succeed(result),
      (error) => this.takeThrown(error),
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
 * Strings, arrays and plain objects are meant as the response, but Lambda does not accept them from
 * a function that is not async. Any other value is the incidental result of the last expression,
 * such as a timer that will run the callback.
 */
function looksLikeResponse(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'string';
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}

function noResponse(value: unknown): Fault {
  const message = `gave no response: it returned ${value === undefined ? 'nothing' : 'a value'}, but is not async; return a promise, or use the callback`;
  return new Fault('function_bad_answer', { message });
}
