import type { Exchange } from '../contract/exchange.ts';
import { findHeader } from '../contract/header-list.ts';

/**
 * Copies facts about a captured response to the exchange of the client, for the access line. `headers`: those of the response; for code that writes through
 * Node's response they have what the inner exchange has not.
 */
export function noteAnswer(exchange: Exchange, inner: Exchange, headers: readonly string[]): void {
  exchange.contentType = inner.contentType || (findHeader(headers, 'content-type') ?? '');
  exchange.sectionTag = inner.sectionTag || (findHeader(headers, 'section-io-tag') ?? '');
  exchange.upstreamStatus = inner.upstreamStatus;
  exchange.upstreamAddress = inner.upstreamAddress;
}
