import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';

/**
 * The public URL of a request: scheme and host as the client saw them, path and query byte for byte. Throws `bad_request` for a Host that could
 * move the border between authority and path; a URL that nobody can parse comes through.
 */
export function toRequestUrl({ client, request, target }: Exchange): string {
  // HTTP/1.0 may leave Host out; a URL cannot.
  const host = hostOf(request.rawHeaders) || 'localhost';
  if (!HOST.test(host)) throw new Fault('bad_request', { message: `Host is no host: ${JSON.stringify(host)}` });
  return `${client.proto}://${host}${target}`;
}

/** What may stand in a Host field (RFC 9110 7.2). */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::\d*)?$/;

/** `request.headers` would be built for this alone. */
function hostOf(fields: readonly string[]): string {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string; // pairs
    if (name.length === 4 && name.toLowerCase() === 'host') return fields[at + 1] as string;
  }
  return '';
}
