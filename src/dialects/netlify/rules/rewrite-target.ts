import type { Exchange } from '../../../contract/exchange.ts';
import type { Candidate, Router } from '../../../contract/route.ts';
import type { SiteFiles } from '../../../contract/site-files.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { InnerRequest } from '../../../http/inner-request.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import type { NotFoundPage } from './not-found-page.ts';
import type { QueryMatch } from './redirect-query.ts';
import { queryOf } from './redirect-query.ts';
import type { RedirectParts } from './redirect-target.ts';

/** What a rule may answer with. */
export interface RewriteSite {
  /** Finds functions of the site by method and path. */
  readonly functions: Router;
  readonly files: SiteFiles;
  /** Finds functions and pages of other platforms in the same project. */
  readonly others: Router;
  readonly notFound: NotFoundPage;
}

export interface RewriteParts extends RedirectParts {
  readonly site: RewriteSite;
}

/**
 * Answers with the function, the file or the page at the rule's destination; the client's URL stays.
 * A function of Netlify sees that URL, with the query of the rule merged in; functions and pages of
 * other platforms, which may have their own routes, get the destination. A status other than 200 replaces the status
 * of the response. If there is neither, the response is 404. Passes a request that the rule does not
 * match.
 */
export class RewriteTarget implements Target {
  readonly name: string;
  readonly #parts: RewriteParts;

  constructor(parts: RewriteParts) {
    this.name = parts.file;
    this.#parts = parts;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const { request, destination, status, site } = this.#parts;
    const found = request.match(exchange);
    if (!found) return 'passed';
    // For the source of an image the next rule or the file counts: this rule would lead back to the image.
    if (exchange.request instanceof InnerRequest && IMAGES.test(destination.toTarget(params, found))) return 'passed';
    if (request.vary !== '') overlayAnswer(exchange, { headers: [['Vary', request.vary]] });
    const { ruleStatus } = exchange;
    if (status !== 200) exchange.ruleStatus = status;
    if ((await this.#callFunction(exchange, params, found)) === 'answered') return 'answered';
    const { method } = exchange.request;
    const path = destination.toTarget(params, found);
    if ((method === 'GET' || method === 'HEAD' || status >= 400) && isAnswered(await site.files.answer(exchange, path)))
      return 'answered';
    if (isAnswered(await this.#callOther(exchange, path))) return 'answered';
    exchange.ruleStatus = ruleStatus;
    return site.notFound.answer(exchange, params, status >= 400 ? status : 404);
  }

  async #callFunction(exchange: Exchange, params: Params, found: QueryMatch): Promise<Outcome> {
    const { destination, site } = this.#parts;
    const { target: originalTarget } = exchange;
    const candidates = site.functions.find(exchange.request.method, destination.toTarget(params, found));
    if (candidates.length === 0) return 'passed';
    const originalQuery = queryOf(originalTarget);
    const merged = destination.mergeQuery(originalQuery, params, found);
    const { route: rule } = exchange;
    if (merged !== originalQuery) exchange.rewrite(`${originalTarget.split('?', 1)[0]}?${merged}`);
    for (const { route, params: routeParams } of candidates) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if (isAnswered(await route.target.answer(exchange, routeParams))) return 'answered';
    }
    exchange.route = rule;
    if (merged !== originalQuery) exchange.rewrite(originalTarget);
    return 'passed';
  }

  async #callOther(exchange: Exchange, path: string): Promise<Outcome> {
    const { target: originalTarget, route: rule } = exchange;
    const candidates = this.#parts.site.others.find(exchange.request.method, path);
    if (candidates.length === 0) return 'passed';
    exchange.rewrite(path);
    for (const { route, params } of candidates) {
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if (isAnswered(await route.target.answer(exchange, params))) return 'answered';
    }
    exchange.route = rule;
    exchange.rewrite(originalTarget);
    return 'passed';
  }
}

/** The functions and pages of other platforms among the routes of a site. It excludes rules: a rewrite leads to no other rule. */
export function toOthers(siteRoutes: Router | undefined): Router {
  const isOther = ({ route: { dialect, step } }: Candidate) => dialect !== 'netlify' && (step === 4 || step === 5);
  return { find: (method, target) => siteRoutes?.find(method, target).filter(isOther) ?? [] };
}

const IMAGES = /^\/\.netlify\/images\/?(?:\?|$)/;

function isAnswered(outcome: Outcome): boolean {
  return outcome === 'answered';
}
