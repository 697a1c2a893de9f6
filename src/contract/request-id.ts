/** Names one request in logs, and for the client and the hop. */
export interface RequestId {
  readonly value: string;
  /** The header that carries it, to the hop and back to the client. */
  readonly name: 'section-io-id' | 'x-request-id';
  /** True if the request had no id; then the header is added when the request is forwarded. */
  readonly made: boolean;
}

/** A second id of the request, in the format of the platform whose function answers. */
export interface PlatformId {
  readonly value: string;
  /** The header that carries it, in lower case. */
  readonly name: string;
}
