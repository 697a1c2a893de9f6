/** Who asked, as far as it can be believed. */
export interface Client {
  /** IP address of the client; '' when its socket was gone before it could be read. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  /** The peer is one of TRUSTED_PROXIES, so its trust headers are believed. */
  readonly trusted: boolean;
}
