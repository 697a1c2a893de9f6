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

/** The same as the standard writes it. Throws `bad_request` also for what `new URL` cannot parse. */
export function toHref(exchange: Exchange): string {
  const text = toRequestUrl(exchange);
  if (STANDARD_URL.test(text)) return text;
  const url = URL.parse(text);
  if (!url) throw new Fault('bad_request', { message: `Host and target must form a URL, got ${text}` });
  return url.href;
}

/**
 * URLs that a parser leaves as they are: a domain in lower case without punycode, or an IPv4 address, no default port, no dot segments and no character
 * that is escaped (WHATWG URL). To compare one costs a third of parsing it.
 */
const STANDARD_URL =
  /^https?:\/\/(?![^/]*xn--)(?:(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*|(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))(?::(?!(?:80|443)\/)(?:[1-5]\d{4}|[1-9]\d{0,3}))?\/(?:[\w~!$&()*+,;=:@-][\w.~!$&()*+,;=:@-]*(?:\/[\w~!$&()*+,;=:@-][\w.~!$&()*+,;=:@-]*)*\/?)?(?:\?[\w.~!$&()*+,;=:@/?%-]*)?$/;

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
