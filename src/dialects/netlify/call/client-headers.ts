import type { HeaderMap } from '../../../http/lazy-headers.ts';
import type { Invocation } from './invocation.ts';
import { REQUEST_ID } from './request-ulids.ts';

/** The header in which the platform's network passes the client's address to functions. */
export const CLIENT_ADDRESS = 'x-nf-client-connection-ip';

/**
 * Sets the headers that the platform's network adds to every request for a function.
 * `x-forwarded-for` and `x-forwarded-proto` keep the value of a trusted peer. Those of an untrusted
 * peer were replaced earlier (docs/decisions/trust-headers.md), and a direct client sends none. A
 * call without a client, such as a scheduled one, gets neither. Only the function sees them:
 * requests to the next hop are not changed.
 */
export function addClientHeaders(
  headers: HeaderMap,
  { clientAddress, requestId, url }: Pick<Invocation, 'clientAddress' | 'requestId' | 'url'>,
): void {
  headers.set(REQUEST_ID, requestId);
  headers.set(CLIENT_ADDRESS, clientAddress);
  if (clientAddress === '') return;
  if (!headers.get('x-forwarded-for')) headers.set('x-forwarded-for', clientAddress);
  if (!headers.get('x-forwarded-proto')) headers.set('x-forwarded-proto', url.slice(0, url.indexOf(':')));
}
