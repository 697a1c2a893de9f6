import type { ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Router } from '../../../contract/route.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { queryOf } from './redirect-query.ts';
import type { RedirectParts } from './redirect-target.ts';

export interface RewriteParts extends RedirectParts {
  /** Finds functions of the site by method and path. */
  readonly functions: Router;
}

/**
 * Calls the function whose route matches the rule's destination. The function sees the URL of the
 * client, with the query of the rule merged in. A status other than 200 replaces the status of the
 * function's response. Passes if no function matches.
 */
export class RewriteTarget implements Target {
  readonly name: string;
  readonly #parts: RewriteParts;

  constructor(parts: RewriteParts) {
    this.name = parts.file;
    this.#parts = parts;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const { query, destination, functions, status } = this.#parts;
    const { target: originalTarget } = exchange;
    const found = query.match(originalTarget);
    if (!found) return 'passed';
    const candidates = functions.find(exchange.request.method ?? '', destination.toTarget(params, found));
    if (candidates.length === 0) return 'passed';
    const originalQuery = queryOf(originalTarget);
    const merged = destination.mergeQuery(originalQuery, params, found);
    if (merged !== originalQuery) exchange.rewrite(`${originalTarget.split('?', 1)[0]}?${merged}`);
    const override = status === 200 ? undefined : new StatusOverride(exchange, status);
    for (const { route, params: routeParams } of candidates) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, routeParams)) === 'answered') return 'answered';
    }
    override?.undo();
    if (merged !== originalQuery) exchange.rewrite(originalTarget);
    return 'passed';
  }
}

/** Replaces the status of the response's head by the status of the rule, except for a fault. */
class StatusOverride {
  readonly #response: ServerResponse;
  readonly #originalWriteHead: ServerResponse['writeHead'];

  constructor(exchange: Exchange, status: number) {
    const { response } = exchange;
    this.#response = response;
    this.#originalWriteHead = response.writeHead;
    const write = this.#originalWriteHead as (...given: unknown[]) => ServerResponse; // one signature for its overloads
    response.writeHead = (given: number, ...rest: unknown[]) =>
      write.call(response, exchange.fault ? given : status, ...rest);
  }

  undo(): void {
    this.#response.writeHead = this.#originalWriteHead;
  }
}
