import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { TrustedPeers } from '../config/setting.ts';
import { type Client, toPlainAddress } from '../contract/client.ts';
import { type Peer, vetTrustHeaders } from './trust-headers.ts';

/**
 * Who asked. A trusted peer is believed: `True-Client-IP`, else the right-most untrusted entry of `X-Forwarded-For`, else the
 * peer itself; the scheme by `X-Forwarded-Proto`. Anybody else is who the socket says.
 *
 * What the peer may not say of itself is replaced or removed in `rawHeaders`, `headers` and `headersDistinct`
 * (docs/decisions/trust-headers.md), so this runs before anybody reads them.
 */
export function identify(request: IncomingMessage, isTrusted: TrustedPeers): Client {
  const peer = peerOf(request.socket, isTrusted);
  vetTrustHeaders(request, peer);
  if (!peer.trusted) return peer;
  const { headers } = request;
  return {
    address: claimedAddress(headers, isTrusted) || peer.address,
    proto: claimedProto(headers) ?? peer.proto,
    trusted: true,
  };
}

const PEER = Symbol('peer');

/** Asking whether an address is trusted costs more than all the rest here, and a connection carries many requests. */
interface KnownSocket extends Socket {
  [PEER]?: KnownPeer;
}

interface KnownPeer {
  readonly peer: Peer;
  /** By whom it is trusted or not; in one process there may be several who differ. */
  readonly isTrusted: TrustedPeers;
}

function peerOf(socket: KnownSocket, isTrusted: TrustedPeers): Peer {
  const known = socket[PEER];
  if (known?.isTrusted === isTrusted) return known.peer;
  const address = toPlainAddress(socket.remoteAddress ?? '');
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const peer: Peer = { address, proto: encrypted ? 'https' : 'http', trusted: address !== '' && isTrusted(address) };
  socket[PEER] = { peer, isTrusted };
  return peer;
}

function claimedAddress(headers: IncomingHttpHeaders, isTrusted: TrustedPeers): string {
  const trueClientIp = headerOf(headers, 'true-client-ip');
  if (isIP(trueClientIp)) return toPlainAddress(trueClientIp);
  return rightmostUntrusted(headerOf(headers, 'x-forwarded-for'), isTrusted);
}

/** The proxy nearest to us wrote the last entry, so only what stands left of trusted proxies can be a client. '' if there is none. */
function rightmostUntrusted(list: string, isTrusted: TrustedPeers): string {
  let end = list.length;
  while (end > 0) {
    const comma = list.lastIndexOf(',', end - 1);
    const entry = list.slice(comma + 1, end).trim();
    end = comma;
    if (entry === '') continue;
    const address = toAddress(entry);
    // Whatever stands left of an entry that nobody can read was passed on by nobody we know.
    if (address === '') return '';
    if (!isTrusted(address)) return address;
  }
  return '';
}

const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;

/** Some proxies write a port behind the address, and then brackets around IPv6. '' if it is no address. */
function toAddress(entry: string): string {
  const bare = BRACKETED.exec(entry)?.[1] ?? WITH_PORT.exec(entry)?.[1] ?? entry;
  return isIP(bare) ? toPlainAddress(bare) : '';
}

/** By the first entry: the one nearest to the client. Anything but `https` is http; undefined if nothing is said. */
function claimedProto(headers: IncomingHttpHeaders): Client['proto'] | undefined {
  const list = headerOf(headers, 'x-forwarded-proto');
  if (list === '') return undefined;
  if (list === 'https' || list === 'http') return list;
  const comma = list.indexOf(',');
  const first = comma < 0 ? list : list.slice(0, comma);
  return first.trim().toLowerCase() === 'https' ? 'https' : 'http';
}

/** Node has joined several fields of these names with commas. */
function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
