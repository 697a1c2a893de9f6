import { isIPv6 } from 'node:net';

/** The client that sent a request, as far as the connection and trusted headers identify it. */
export interface Client {
  /** IP address of the client; '' when its socket was gone before it could be read. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  /** The peer is one of TRUSTED_PROXIES, so its trust headers are accepted. */
  readonly trusted: boolean;
}

/** Returns whether an address is one of TRUSTED_PROXIES. */
export type TrustedPeers = (address: string) => boolean;

const MAPPED_IPV4 = '::ffff:';

/** The address as plain text: `::ffff:192.0.2.1`, which a dual-stack socket reports, becomes `192.0.2.1`; a zone (`%eth0`) is removed. */
export function toPlainAddress(address: string): string {
  if (address.startsWith(MAPPED_IPV4) && address.includes('.')) return address.slice(MAPPED_IPV4.length);
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

/** Address of the other end of a connection: the last proxy, or the client itself; '' when the socket was gone before it could be read. */
export function peerAddressOf({ remoteAddress = '' }: { readonly remoteAddress?: string | undefined }): string {
  return toPlainAddress(remoteAddress);
}

/** One client owns a /64 of IPv6, or an IPv4 address. The address as given if it is none of either. */
export function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = toGroups(head);
  if (tail !== undefined) {
    const last = toGroups(tail);
    groups.push(...Array<number>(8 - groups.length - last.length).fill(0), ...last);
  }
  const [, , , , , mark = 0, high = 0, low = 0] = groups;
  const isIpv4 = mark === 0xffff && groups.findIndex((group) => group !== 0) === 5;
  if (isIpv4) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The numbers of 16 bits. The last two may be written as an IPv4 address; a zone is ignored. */
function toGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [one = 0, two = 0, three = 0, four = 0] = part.split('.').map(Number);
    return [one * 256 + two, three * 256 + four];
  });
}
