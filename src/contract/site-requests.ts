import type { Exchange } from './exchange.ts';

/** A whole response. */
export interface WholeAnswer {
  readonly status: number;
  /** Flat. */
  readonly headers: readonly string[];
  readonly content: Buffer;
}

export interface SiteRequest {
  readonly method: 'GET' | 'HEAD';
  /** In origin-form. */
  readonly target: string;
  /** A longer content is a Fault. */
  readonly limitBytes: number;
}

/** Requests of a target to its own site: for a file, the response of a function or of a rule. */
export interface SiteRequests {
  /**
   * Sends a request in the name of the client of `exchange`: filters that guard the site see its headers. Undefined if nothing of the site
   * answers; the next hop is not asked. Rejects with the Fault of what answers.
   */
  send(exchange: Exchange, request: SiteRequest): Promise<WholeAnswer | undefined>;
}
