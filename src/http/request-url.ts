import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';

/**
 * The public URL of a request: scheme and host as the client used them, path and query byte for
 * byte. Throws `bad_request` for a Host that could move the border between authority and path. The
 * result may still be a URL that `new URL` cannot parse.
 */
export function toRequestUrl({ client, request, target }: Exchange): string {
  // HTTP/1.0 may leave Host out; a URL cannot.
  const host = request.host || 'localhost';
  if (!HOST.test(host))
    throw new Fault('bad_request', {
      message: `Host must be a host with an optional port, got ${JSON.stringify(host)}`,
    });
  return `${client.proto}://${host}${target}`;
}

/** The same for another path of the site, decoded or not: its escapes stay, and those that it needs are added. Throws `bad_request`. */
export function toUrlOfPath(exchange: Exchange, path: string): URL {
  const text = toRequestUrl(exchange);
  const url = URL.parse(text);
  if (!url) throw new Fault('bad_request', { message: `Host and target must form a URL, got ${text}` });
  url.pathname = path;
  return url;
}

/** A valid Host header (RFC 9110 7.2). */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::\d*)?$/;
