import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';

/** One run of code of a site: for a request, for an attempt of a job, or to load a file. */
export interface SiteCall {
  /** The file that was called, relative to the site, or another name of the code. */
  readonly calledCode: string;
  /**
   * Ends the call with an error because its code tried to end the process. What the code does
   * afterwards has no effect. Returns false if the call is already over: then it does not report
   * the error.
   */
  end(error: Error): boolean;
}

const CALLS = new AsyncLocalStorage<SiteCall>();

/** Gets each call when its function has returned, and when its promise has settled. */
export const CALL_RETURNS = channel('nexthop:site-call-returns');

/**
 * Runs code of a site for a call. Asynchronous work that the code starts belongs to the call, too.
 */
export function runFor<T>(call: SiteCall, work: () => T): T {
  const result = CALLS.run(call, work);
  if (CALL_RETURNS.hasSubscribers) {
    const publish = (): void => CALL_RETURNS.publish(call);
    publish();
    if (result instanceof Promise) result.then(publish, publish);
  }
  return result;
}

/** The call that the running code belongs to; undefined if it belongs to none. */
export function currentCall(): SiteCall | undefined {
  return CALLS.getStore();
}
