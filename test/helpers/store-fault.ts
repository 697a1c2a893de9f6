import type { ExecutionContext } from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { toLoggable } from '../../src/log/loggable.ts';
import { SOON_MS } from './patience.ts';

/** Asserts that a call of a store rejects in time with `store_unavailable`. Resolves with the Fault. */
export async function storeFault(t: ExecutionContext, verb: Promise<unknown>): Promise<Fault> {
  const startedAtMs = performance.now();
  const error = await t.throwsAsync(verb, { instanceOf: Fault });
  const tookMs = performance.now() - startedAtMs;
  t.is(error?.code, 'store_unavailable');
  t.true(tookMs < SOON_MS, `it took ${tookMs} ms`);
  return error as Fault; // asserted above
}

/** The text of a log line with the Fault. */
export function logText(fault: Fault): string {
  return JSON.stringify(toLoggable({ fault }, { shortAddresses: false }));
}
