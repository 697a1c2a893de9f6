/** A request that nexthop itself makes, e.g. of a schedule. */
export interface OwnCall {
  readonly method: string;
  /** In origin-form. */
  readonly target: string;
  readonly host: string;
  /** Flat, without Host and Content-Length. */
  readonly headers: readonly string[];
  readonly content: Uint8Array;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** Sends requests through the whole path, as if a trusted client on this machine had sent them. */
export interface OwnCalls {
  /**
   * Resolves with the status of the response when it is whole; its content is dropped. Rejects if
   * it was cut, if the signal ended it, or if no server runs.
   */
  send(call: OwnCall): Promise<number>;
}
