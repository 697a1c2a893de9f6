import type { IncomingRequest } from '../contract/http-message.ts';

/**
 * Whether a request asks only for a WebSocket. Only then it is forwarded as an upgrade.
 *
 * A server may ignore Upgrade (RFC 9110 7.8), and all other requests are served without it. An upgrade with a body, or to another protocol such as
 * h2c, would let a client send bytes to the hop that this server has not checked.
 */
export function isWebSocketRequest(request: IncomingRequest): boolean {
  return (
    request.method === 'GET' &&
    // Repeated Upgrade headers are joined; the list is then not equal to "websocket".
    request.upgrade?.toLowerCase() === 'websocket' &&
    request.body.announcedBytes === 0 &&
    request.get('content-length') === undefined
  );
}
