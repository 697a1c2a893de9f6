import type { Origin } from '../config/setting.ts';
import type { Fault } from '../contract/fault.ts';

/** Errors of getaddrinfo: there is no such name, or no server of names answers. */
const UNRESOLVED: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'EAI_AGAIN']);

/**
 * What to do about a fault of a hop whose name does not resolve; undefined for other faults. The
 * default name exists only where a platform defines it, so a first start elsewhere answers 502.
 */
export function adviceForUnresolved({ cause }: Fault, { hostname }: Origin): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause) || !UNRESOLVED.has(cause.code)) return undefined;
  return `the name "${hostname}" of the next hop does not resolve (${cause.code}), so requests that the site does not answer get 502; set NEXT_HOP to the URL of the server that answers them, such as NEXT_HOP=http://127.0.0.1:3000`;
}
