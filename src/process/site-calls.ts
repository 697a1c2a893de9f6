import { AsyncLocalStorage } from 'node:async_hooks';

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

/** Runs code of a site, with all that it starts, for a call. */
export function runFor<T>(call: SiteCall, work: () => T): T {
  return CALLS.run(call, work);
}

/** The call that the running code works for; undefined for code that works for none. */
export function currentCall(): SiteCall | undefined {
  return CALLS.getStore();
}
