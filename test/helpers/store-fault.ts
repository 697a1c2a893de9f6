import type { ExecutionContext } from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { toLoggable } from '../../src/log/loggable.ts';
import { SOON_MS } from './patience.ts';

/** Asserts that a verb of a store rejects in time with `store_unavailable`, and resolves with the Fault. */
export async function storeFault(t: ExecutionContext, verb: Promise<unknown>): Promise<Fault> {
  const startedAtMs = performance.now();
  const error = await t.throwsAsync(verb, { instanceOf: Fault });
  const tookMs = performance.now() - startedAtMs;
  t.is(error?.code, 'store_unavailable');
  t.true(tookMs < SOON_MS, `it took ${tookMs} ms`);
  return error as Fault; // asserted above
}

/** All that a log line with the Fault would tell. */
export function told(fault: Fault): string {
  return JSON.stringify(toLoggable({ fault }, { shortAddresses: false }));
}
