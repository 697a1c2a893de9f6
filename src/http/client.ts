import { isIP, type Socket } from 'node:net';
import { type Client, peerAddressOf, type TrustedPeers, toPlainAddress } from '../contract/client.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import { nominatedBy } from '../wire/connection-headers.ts';
import { withoutNames } from './headers.ts';
import { type Peer, vetTrustHeaders } from './trust-headers.ts';

/**
 * Returns the client of a request. For a trusted peer the address is `True-Client-IP`, else the
 * right-most untrusted entry of `X-Forwarded-For`, else the peer's address; the scheme is that of
 * `X-Forwarded-Proto`. For any other peer both come from the socket.
 *
 * Removes the headers that `Connection` nominates, and removes or replaces the trust headers that the peer may not send (docs/decisions/trust-headers.md).
 * So call it before any other code reads the headers.
 */
export function identify(request: IncomingRequest, isTrusted: TrustedPeers): Client {
  const peer = peerOf(request.socket, isTrusted);
  removeNominated(request);
  vetTrustHeaders(request, peer);
  if (!peer.trusted) return peer;
  return {
    address: claimedAddress(request, isTrusted) || peer.address,
    proto: claimedProto(request) ?? peer.proto,
    trusted: true,
  };
}

/**
 * Removes the headers that `Connection` nominates (RFC 9110 7.6.1). At the start: with the header list of the hop, a client could
 * nominate a header that a filter of the site sets later, such as the name of a user.
 */
function removeNominated(request: IncomingRequest): void {
  const nominated = request.connection === undefined ? undefined : nominatedBy(request.connection);
  if (nominated) request.replaceHeaders(withoutNames(request.headers, nominated));
}

const PEER = Symbol('peer');

/**
 * The trust check is the most expensive step here, and a connection carries many requests. So its
 * result is stored on the socket.
 */
interface KnownSocket extends Socket {
  [PEER]?: KnownPeer;
}

interface KnownPeer {
  readonly peer: Peer;
  /** The check that gave the result. One process may have several servers with different checks. */
  readonly isTrusted: TrustedPeers;
}

function peerOf(socket: KnownSocket, isTrusted: TrustedPeers): Peer {
  const known = socket[PEER];
  if (known?.isTrusted === isTrusted) return known.peer;
  const address = peerAddressOf(socket);
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const peer: Peer = { address, proto: encrypted ? 'https' : 'http', trusted: address !== '' && isTrusted(address) };
  socket[PEER] = { peer, isTrusted };
  return peer;
}

function claimedAddress(request: IncomingRequest, isTrusted: TrustedPeers): string {
  const trueClientIp = request.get('true-client-ip') ?? '';
  if (isIP(trueClientIp)) return toPlainAddress(trueClientIp);
  return rightmostUntrusted(request.get('x-forwarded-for') ?? '', isTrusted);
}

/**
 * The nearest proxy wrote the last entry. So skip trusted proxies from the right; the first other
 * entry is the client. '' if there is none.
 */
function rightmostUntrusted(list: string, isTrusted: TrustedPeers): string {
  let end = list.length;
  while (end > 0) {
    const comma = list.lastIndexOf(',', end - 1);
    const entry = list.slice(comma + 1, end).trim();
    end = comma;
    if (entry === '') continue;
    const address = toAddress(entry);
    // An unreadable entry was not written by a trusted proxy, so the entries to its left are not
    // reliable.
    if (address === '') return '';
    if (!isTrusted(address)) return address;
  }
  return '';
}

const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;

/**
 * Some proxies append a port to the address and then put IPv6 in brackets. '' if the entry is not
 * an address.
 */
function toAddress(entry: string): string {
  const bare = BRACKETED.exec(entry)?.[1] ?? WITH_PORT.exec(entry)?.[1] ?? entry;
  return isIP(bare) ? toPlainAddress(bare) : '';
}

/**
 * The scheme of the first entry, which is the one nearest to the client. Any value but `https`
 * means http. Undefined if the header is absent.
 */
function claimedProto(request: IncomingRequest): Client['proto'] | undefined {
  const list = request.get('x-forwarded-proto');
  if (!list) return undefined;
  if (list === 'https' || list === 'http') return list;
  const comma = list.indexOf(',');
  const first = comma < 0 ? list : list.slice(0, comma);
  return first.trim().toLowerCase() === 'https' ? 'https' : 'http';
}
