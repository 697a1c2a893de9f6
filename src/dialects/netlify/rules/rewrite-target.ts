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
    const candidates = functions.find(exchange.request.method, destination.toTarget(params, found));
    if (candidates.length === 0) return 'passed';
    const originalQuery = queryOf(originalTarget);
    const merged = destination.mergeQuery(originalQuery, params, found);
    if (merged !== originalQuery) exchange.rewrite(`${originalTarget.split('?', 1)[0]}?${merged}`);
    const { ruleStatus } = exchange;
    if (status !== 200) exchange.ruleStatus = status;
    for (const { route, params: routeParams } of candidates) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, routeParams)) === 'answered') return 'answered';
    }
    exchange.ruleStatus = ruleStatus;
    if (merged !== originalQuery) exchange.rewrite(originalTarget);
    return 'passed';
  }
}
