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
