import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { RedirectDestination } from './redirect-destination.ts';
import type { RedirectQuery } from './redirect-query.ts';

export interface RedirectParts {
  /** The file with the rule, relative to the site. */
  readonly file: string;
  readonly status: number;
  readonly query: RedirectQuery;
  readonly destination: RedirectDestination;
}

/** A rule that leads the client to another address. It passes a request whose query it is not about, and one that it would lead to where it is. */
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
