import type { Exchange } from '../contract/exchange.ts';
import { withoutNames } from '../http/headers.ts';

/**
 * Headers that some frameworks take for the URL or the method of the request. The key of the cache does not have them: a client that sets one could get a page of another URL
 * stored as this one. From a trusted peer they are part of what it asks for.
 */
const MISLEADING: ReadonlySet<string> = new Set([
  ...[
    'x-host',
    'x-original-host',
    'x-original-url',
    'x-rewrite-url',
    'x-original-uri',
    'x-forwarded-path',
    'x-forwarded-uri',
  ],
  ...[
    'x-forwarded-scheme',
    'x-forwarded-prefix',
    'x-forwarded-ssl',
    'x-forwarded-server',
    'front-end-https',
    'x-url-scheme',
  ],
  ...['x-http-method-override', 'x-http-method', 'x-method-override'],
]);

/**
 * Removes these headers from the request of an untrusted peer. Returns the headers as they were, for a request that the target passes; undefined if nothing was
 * removed.
 */
export function removeMisleading({ client, request }: Exchange): readonly string[] | undefined {
  if (client.trusted) return undefined;
  const { headers } = request;
  if (!hasMisleading(headers)) return undefined;
  request.replaceHeaders(withoutNames(headers, MISLEADING));
  return headers;
}

/** Whether an untrusted peer sent such a header. */
export function isMisleading({ client, request }: Exchange): boolean {
  return !client.trusted && hasMisleading(request.headers);
}

function hasMisleading(headers: readonly string[]): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    const first = name.charCodeAt(0) | 0x20;
    // Nearly every request has none.
    if ((first === X || first === F) && MISLEADING.has(name.toLowerCase())) return true;
  }
  return false;
}

const X = 0x78;
const F = 0x66;
