import type { ServerResponse } from 'node:http';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Router } from '../../../contract/route.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { queryOf } from './redirect-query.ts';
import type { RedirectParts } from './redirect-target.ts';

export interface RewriteParts extends RedirectParts {
  /** Finds the functions of the site. */
  readonly functions: Router;
}

/**
 * A rule whose request a function answers: the one that is reached under the rule's address, with the URL that the client asked for and the query of the rule in
 * it. A status other than 200 takes the place of the function's. It passes when no function is reached there.
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
    const { target: askedTarget } = exchange;
    const found = query.match(askedTarget);
    if (!found) return 'passed';
    const candidates = functions.find(exchange.request.method ?? '', destination.toTarget(params, found));
    if (candidates.length === 0) return 'passed';
    const asked = queryOf(askedTarget);
    const merged = destination.mergeQuery(asked, params, found);
    if (merged !== asked) exchange.rewrite(`${askedTarget.split('?', 1)[0]}?${merged}`);
    const override = status === 200 ? undefined : new StatusOverride(exchange, status);
    for (const { route, params: taken } of candidates) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, taken)) === 'answered') return 'answered';
    }
    override?.undo();
    if (merged !== asked) exchange.rewrite(askedTarget);
    return 'passed';
  }
}

/** Puts a rule's status in the place of the one that comes with the head, but not of a fault's. */
class StatusOverride {
  readonly #response: ServerResponse;
  readonly #before: ServerResponse['writeHead'];

  constructor(exchange: Exchange, status: number) {
    const { response } = exchange;
    this.#response = response;
    this.#before = response.writeHead;
    const write = this.#before as (...given: unknown[]) => ServerResponse; // its overloads in one
    response.writeHead = (given: number, ...rest: unknown[]) =>
      write.call(response, exchange.fault ? given : status, ...rest);
  }

  undo(): void {
    this.#response.writeHead = this.#before;
  }
}
