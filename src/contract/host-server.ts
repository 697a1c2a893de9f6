/** The server that owns the request and the response when nexthop runs as middleware. */
export interface HostServer {
  /** The host passed a `next` function. */
  readonly hasNext: boolean;
  /** No route answered: the host's `next` is called. Throws `not_found` if the host has none. */
  takeBack(): void;
}
