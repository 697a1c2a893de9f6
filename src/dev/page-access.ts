import { peerAddressOf } from '../contract/client.ts';
import type { Exchange } from '../contract/exchange.ts';

/** Names by which a browser on this machine calls it. */
const OWN_HOST = /^(?:localhost|[a-z\d-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const LOOPBACK = /^(?:127\.|::1$)/;

/**
 * Why a request may not use the pages of `nexthop dev`; undefined if it may. They show headers and
 * settings, so only a browser on this machine gets them: the connection comes from the machine
 * itself, and the Host is one of its own names. Otherwise any web page could read them by a name
 * of its own that it points to 127.0.0.1 (DNS rebinding).
 */
export function refuseAccess({ socket, request }: Exchange): string | undefined {
  if (!LOOPBACK.test(peerAddressOf(socket))) return 'is only for this machine';
  if (!OWN_HOST.test(request.host ?? '')) return 'is only for localhost';
  const site = request.get('sec-fetch-site');
  // A link of another site may open the page; nothing else of it may be used from there.
  const isLink = request.get('sec-fetch-mode') === 'navigate' && request.method === 'GET';
  return site === undefined || site === 'same-origin' || site === 'none' || isLink ? undefined : NOT_ELSEWHERE;
}

const NOT_ELSEWHERE = 'is not for other sites';

/**
 * Why a request may not change anything; undefined if it may. A page of another origin can send a
 * POST, but neither a header of this name without the consent of this server, which it never gets,
 * nor the origin of this page.
 */
export function refuseChange({ request }: Exchange): string | undefined {
  if (request.method !== 'POST') return 'needs POST';
  if (request.get('x-nexthop-dev') !== '1') return 'needs the header X-Nexthop-Dev: 1';
  const origin = request.get('origin');
  if (origin !== undefined && !isOwnOrigin(origin, request.host ?? '')) return NOT_ELSEWHERE;
  return undefined;
}

function isOwnOrigin(origin: string, host: string): boolean {
  return origin.replace(/^https?:\/\//, '').toLowerCase() === host.toLowerCase();
}
