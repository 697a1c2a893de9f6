import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { RedirectDestination } from './redirect-destination.ts';
import type { RedirectQuery } from './redirect-query.ts';

export interface RedirectParts {
  /** The file that holds the rule, relative to the site. */
  readonly file: string;
  readonly status: number;
  readonly query: RedirectQuery;
  readonly destination: RedirectDestination;
}

/**
 * Responds with a redirect. Passes a request whose query does not match, and one whose redirect
 * would lead to the same URL.
 */
export class RedirectTarget implements Target {
  readonly name: string;
  readonly #parts: RedirectParts;

  constructor(parts: RedirectParts) {
    this.name = parts.file;
    this.#parts = parts;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const { query, destination, status } = this.#parts;
    const found = query.match(exchange.target);
    if (!found) return 'passed';
    const location = destination.toLocation(params, found);
    if (location === exchange.target) return 'passed';
    writeHead(exchange, status, ['Location', location, 'Content-Length', '0']);
    exchange.response.end();
    return 'answered';
  }
}
