import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { KeptValues } from '../contract/kept-values.ts';
import type { SiteCode } from '../contract/site-code.ts';
import { SharedCalls } from './shared-calls.ts';

/** One run of code of a site: for a request, for an attempt of a job, or to load a file. */
export interface SiteCall {
  /** The file that was called, relative to the site, or another name of the code. */
  readonly calledCode: string;
  /** Pattern of the route; absent or '' for code that no route calls. */
  readonly route?: string;
  /** The call loads the file. */
  readonly isLoad?: true;
  /** Absent if the call is not for a request. */
  readonly requestId?: { readonly value: string };
  /** Absent if the call is not an attempt of a job. */
  readonly jobId?: string;
  /** As of an Exchange. */
  readonly kept?: Pick<KeptValues, 'get'>;
  /**
   * Ends the call with an error because its code tried to end the process. What the code does
   * afterwards has no effect. Returns false if the call is already over: then it does not report
   * the error.
   */
  end(error: Error): boolean;
}

/** A call, and the code that runs for it. */
interface Frame {
  readonly call: SiteCall;
  readonly code: SiteCode | undefined;
  readonly slot: number;
  /** Whether it is in SHARED_CALLS, unless it waits. */
  readonly isShared: boolean;
  /** Calls that its code has begun and waits for, as a filter for what follows it: if the process dies meanwhile, only they count. */
  inner: number;
  isOver: boolean;
}

const FRAMES = new AsyncLocalStorage<Frame | undefined>();

/**
 * The calls whose code has not settled yet, with free slots between them. A slot costs less than a
 * member of a Set, whose table V8 replaces again and again (src/contract/in-flight.ts).
 */
const RUNNING: (SiteCall | undefined)[] = [];
const FREE_SLOTS: number[] = [];

/** The same calls for the watchdog's thread. */
export const SHARED_CALLS = new SharedCalls();

/** Gets each call before its code runs. */
export const CALL_BEGINS = channel('nexthop:site-call-begins');

/** Gets each call when its function has returned, and when its promise has settled. */
export const CALL_RETURNS = channel('nexthop:site-call-returns');

/**
 * Runs code of a site for a call. Asynchronous work that the code starts belongs to the call, too.
 * `code`: the code that runs, if it is known; it does not end before the call does. `isBlamed`: whether the call counts if the process dies meanwhile.
 */
export function runFor<T>(call: SiteCall, work: () => T, code?: SiteCode, isBlamed = true): T {
  const slot = FREE_SLOTS.pop() ?? RUNNING.length;
  RUNNING[slot] = call;
  code?.enter();
  const isShared = isBlamed && SHARED_CALLS.begin(slot, call);
  if (CALL_BEGINS.hasSubscribers) CALL_BEGINS.publish(call);
  const frame: Frame = { call, code, slot, isShared, inner: 0, isOver: false };
  const outer = isShared ? FRAMES.getStore() : undefined;
  const waiting = outer?.isShared && !outer.isOver && outer.call !== call ? outer : undefined;
  if (waiting && waiting.inner++ === 0) SHARED_CALLS.end(waiting.slot);
  const over = (): void => {
    frame.isOver = true;
    RUNNING[slot] = undefined;
    if (isShared && frame.inner === 0) SHARED_CALLS.end(slot);
    if (waiting && --waiting.inner === 0 && !waiting.isOver) SHARED_CALLS.begin(waiting.slot, waiting.call);
    FREE_SLOTS.push(slot);
    code?.leave();
    if (CALL_RETURNS.hasSubscribers) CALL_RETURNS.publish(call);
  };
  let result: T;
  try {
    result = FRAMES.run(frame, work);
  } catch (error) {
    over();
    throw error;
  }
  if (!(result instanceof Promise)) {
    over();
    return result;
  }
  if (CALL_RETURNS.hasSubscribers) CALL_RETURNS.publish(call);
  result.then(over, over);
  return result;
}

/** The call that the running code belongs to; undefined if it belongs to none. */
export function currentCall(): SiteCall | undefined {
  return FRAMES.getStore()?.call;
}

/** The code of the site that runs, or that started what runs; undefined if it is not known. */
export function currentCode(): SiteCode | undefined {
  return FRAMES.getStore()?.code;
}

/** Does work of nexthop that outlives the call whose code caused it, e.g. opens a store. */
export function outsideOfCalls<T>(work: () => T): T {
  return FRAMES.run(undefined, work);
}

/** The calls whose code has not settled yet, each once. */
export function runningCalls(): ReadonlySet<SiteCall> {
  return new Set(RUNNING.filter((call) => call !== undefined));
}
