import type { IncomingMessage } from 'node:http';

/** Whether a request came with a body, which may be of any method: a Content-Length above 0, or any transfer coding (RFC 9112 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
