import type { IncomingMessage } from 'node:http';

/** The other end of the connection: who it is by its socket, and whether it is believed. */
export interface Peer {
  /** '' if the socket is gone. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  readonly trusted: boolean;
}

/**
 * Takes from a request what its peer may not say, before anybody reads it: in `headers`, `headersDistinct`, and a new array `rawHeaders`.
 *
 * From an untrusted peer `True-Client-IP`, `X-Forwarded-For` and `X-Forwarded-Proto` are replaced where they stand by what the
 * socket says, and every other trust header is removed. From anybody, spellings with underscores are removed, because a CGI-style
 * origin cannot tell them from the real ones, and so is a `True-Client-IP` that says more than one thing.
 * Reasons: docs/decisions/trust-headers.md.
 */
export function vetTrustHeaders(request: IncomingMessage, peer: Peer): void {
  const { rawHeaders } = request;
  // Node joins several fields of one name with commas.
  const ambiguous = peer.trusted && String(request.headers['true-client-ip'] ?? '').includes(',');
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (isUnwanted(rawHeaders[at] ?? '', peer.trusted, ambiguous)) {
      rewrite(request, peer, ambiguous);
      return;
    }
  }
}

/** First letters of all trust headers but one, so that most names are done with after one look. */
const INITIALS: ReadonlySet<number> = new Set(Array.from('tTxXfFsSeE', (letter) => letter.charCodeAt(0)));

/** The only one of so common a letter, so that cookies and content types are done with by their length. */
const CLIENT_IP = 'client-ip';

/** `ambiguous`: the request says several things as True-Client-IP, so none of them. */
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

function rewrite(request: IncomingMessage, peer: Peer, ambiguous: boolean): void {
  // Node makes both on first use, from rawHeaders and a count of its own that cannot be changed: so before fields go away.
  const { headers, headersDistinct, rawHeaders } = request;
  const replaced = new Set<string>();
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    let value = rawHeaders[at + 1] ?? '';
    if (isUnwanted(name, peer.trusted, ambiguous)) {
      const lowerName = name.toLowerCase();
      const truth = replaced.has(lowerName) ? '' : truthInsteadOf(lowerName, peer);
      if (truth === '') {
        if (!replaced.has(lowerName)) {
          delete headers[lowerName];
          delete headersDistinct[lowerName];
        }
        continue;
      }
      replaced.add(lowerName);
      headers[lowerName] = truth;
      headersDistinct[lowerName] = [truth];
      value = truth;
    }
    kept.push(name, value);
  }
  // Whoever holds the one before still has what came.
  request.rawHeaders = kept;
}

/** What an untrusted peer's field must say; '' if the field has to go. */
function truthInsteadOf(lowerName: string, { address, proto, trusted }: Peer): string {
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
