import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';

/** What code of a site runs for: a request, an attempt at a job, the load of a file. */
export interface SiteCall {
  /** The file that was called, relative to the site, or another name of the code. */
  readonly calledCode: string;
  /**
   * The code asked for the end of the process. Ends the call with this error instead, whatever the code does afterwards. Returns false when the call is
   * over, so that nothing reports the error.
   */
  end(error: Error): boolean;
}

const CALLS = new AsyncLocalStorage<SiteCall>();

/** Gets each call when its function has returned, and when its promise has settled. */
export const CALL_RETURNS = channel('nexthop:site-call-returns');

/** Runs code of a site, with all that it starts, for a call. */
export function runFor<T>(call: SiteCall, work: () => T): T {
  const result = CALLS.run(call, work);
  if (CALL_RETURNS.hasSubscribers) {
    const publish = (): void => CALL_RETURNS.publish(call);
    publish();
    if (result instanceof Promise) result.then(publish, publish);
  }
  return result;
}

/** The call that the running code works for; undefined for code that works for none. */
export function currentCall(): SiteCall | undefined {
  return CALLS.getStore();
}
