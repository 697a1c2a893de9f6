import { Exchange } from '../contract/exchange.ts';
import { currentCall } from '../process/site-calls.ts';

/** The exchange for which the running code of the site was called; undefined if it belongs to none. */
export function currentExchange(): Exchange | undefined {
  const call = currentCall();
  return call instanceof Exchange ? call : undefined;
}
