import type { Exchange } from './exchange.ts';
import type { Outcome } from './target.ts';

export interface ExternalRequest {
  /** Scheme and host, with a port if it is not the scheme's own: `https://api.example`. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  /** Replace the headers of the client's request with the same names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Servers other than the next hop, which rules of a site name. */
export interface ExternalOrigins {
  /** Why no request is sent to the origin; undefined if requests may be sent. */
  findObstacle(origin: string): string | undefined;
  /** Forwards the request of the exchange, and its response to the client. Rejects with a Fault of the origin. */
  forward(exchange: Exchange, request: ExternalRequest): Promise<Outcome>;
}
