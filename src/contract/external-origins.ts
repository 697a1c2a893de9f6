import type { Exchange } from './exchange.ts';
import type { WholeAnswer } from './site-requests.ts';
import type { Outcome } from './target.ts';

export interface ExternalRequest {
  /** Scheme and host, with a port if it is not the scheme's own: `https://api.example`. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  /** Replace the headers of the client's request with the same names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface DownloadRequest {
  /** Absolute, with http: or https:, without a name and a password. */
  readonly url: URL;
  /** A longer content is a Fault. */
  readonly limitBytes: number;
  /** The value of `Accept`. */
  readonly accept: string;
}

/** Servers other than the next hop, which rules of a site name. */
export interface ExternalOrigins {
  /** Why no request is sent to the origin; undefined if requests may be sent. */
  findObstacle(origin: string): string | undefined;
  /** Forwards the request of the exchange, and its response to the client. Rejects with a Fault of the origin. */
  forward(exchange: Exchange, request: ExternalRequest): Promise<Outcome>;
  /**
   * Downloads what a client names, without any header of the client. Redirects are not followed. A host that is or leads to a private address must be in
   * PROXY_HOSTS. Rejects with a Fault of the origin, or with `bad_request` if no request is sent to this host.
   */
  download(exchange: Exchange, request: DownloadRequest): Promise<WholeAnswer>;
}
