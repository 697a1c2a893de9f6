import type { IncomingRequest } from '../contract/http-message.ts';

/**
 * The other end of the connection: its address by the socket, and whether its trust headers are
 * accepted.
 */
export interface Peer {
  /** '' if the socket is gone. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly trusted: boolean;
}

/**
 * Removes the trust headers that the peer may not send, before any other code reads the headers.
 *
 * For an untrusted peer, `True-Client-IP`, `X-Forwarded-For` and `X-Forwarded-Proto` are replaced
 * by the values of the socket at the same position, and every other trust header is removed. For
 * every peer, names with underscores are removed, because a CGI origin cannot distinguish them from
 * the real ones, and so is a `True-Client-IP` with several values. On an encrypted connection,
 * `X-Forwarded-Proto: https` is added if it is absent: the next hop is reached without TLS. Reasons:
 * docs/decisions/trust-headers.md.
 */
export function vetTrustHeaders(request: IncomingRequest, peer: Peer): void {
  // Repeated headers are joined with commas.
  const ambiguous = peer.trusted && (request.get('true-client-ip') ?? '').includes(',');
  if (!peer.trusted || ambiguous || request.hasUnderscoreName) removeUnwanted(request, peer, ambiguous);
  if (peer.proto === 'https' && request.get('x-forwarded-proto') === undefined) {
    request.replaceHeaders([...request.headers, 'X-Forwarded-Proto', 'https']);
  }
}

function removeUnwanted(request: IncomingRequest, peer: Peer, ambiguous: boolean): void {
  const { headers } = request;
  for (let at = 0; at < headers.length; at += 2) {
    if (isUnwanted(headers[at] ?? '', peer.trusted, ambiguous)) {
      request.replaceHeaders(rewritten(headers, peer, ambiguous));
      return;
    }
  }
}

/** First letters of all trust headers but one, so that most names need only this check. */
const INITIALS: ReadonlySet<number> = new Set(Array.from('tTxXfFsSeE', (letter) => letter.charCodeAt(0)));

/**
 * The only trust header that starts with "c". Checked by length, so that cookies and content types
 * are skipped quickly.
 */
const CLIENT_IP = 'client-ip';

/** `ambiguous`: the request has several values of True-Client-IP, so none is valid. */
function isUnwanted(name: string, trusted: boolean, ambiguous: boolean): boolean {
  if (!INITIALS.has(name.charCodeAt(0)) && name.length !== CLIENT_IP.length) return false;
  if (trusted && !name.includes('_')) return ambiguous && name.toLowerCase() === 'true-client-ip';
  return isTrustHeader(name.toLowerCase().replaceAll('_', '-'));
}

const NAMES: ReadonlySet<string> = new Set([
  'true-client-ip',
  'forwarded',
  'section-origin',
  'x-real-ip',
  'x-netlify-event',
  CLIENT_IP,
]);
const PREFIXES = ['x-forwarded-', 'section-io-', 'eo-', 'x-nf-', 'x-netlify-original-'];

function isTrustHeader(name: string): boolean {
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** A new array: code that holds the old one keeps the received headers. */
function rewritten(headers: readonly string[], peer: Peer, ambiguous: boolean): string[] {
  const replaced = new Set<string>();
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string; // pairs
    let value = headers[at + 1] as string;
    if (isUnwanted(name, peer.trusted, ambiguous)) {
      const lowerName = name.toLowerCase();
      const trueValue = replaced.has(lowerName) ? '' : toTrueValue(lowerName, peer);
      if (trueValue === '') continue;
      replaced.add(lowerName);
      value = trueValue;
    }
    kept.push(name, value);
  }
  return kept;
}

/** The true value of an untrusted peer's header; '' if the header must be removed. */
function toTrueValue(lowerName: string, { address, proto, trusted }: Peer): string {
  if (trusted) return '';
  switch (lowerName) {
    case 'true-client-ip':
    case 'x-forwarded-for':
      return address;
    case 'x-forwarded-proto':
      return proto;
    default:
      return '';
  }
}
