import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Candidate, Router } from '../../../contract/route.ts';
import type { SiteFiles } from '../../../contract/site-files.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { isSiteRequest } from '../../../http/inner-request.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import type { NotFoundPage } from './not-found-page.ts';
import type { QueryMatch } from './redirect-query.ts';
import { queryOf } from './redirect-query.ts';
import { type RedirectParts, toRuleEffect } from './redirect-target.ts';

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
    const path = destination.toTarget(params, found);
    // For the source of an image the next rule or the file counts: this rule would lead back to the image.
    if (isSiteRequest(exchange.request) && IMAGES.test(path)) return 'passed';
    if (request.vary !== '') overlayAnswer(exchange, { headers: [['Vary', request.vary]] });
    const { ruleStatus } = exchange;
    if (status !== 200) exchange.ruleStatus = status;
    const { method } = exchange.request;
    const functions = site.functions.find(method, path);
    const withQuery = () => this.#mergeQuery(exchange.target, params, found);
    if (isAnswered(await callAny(exchange, functions, withQuery))) return 'answered';
    if ((method === 'GET' || method === 'HEAD' || status >= 400) && isAnswered(await site.files.answer(exchange, path)))
      return 'answered';
    if (isAnswered(await callAny(exchange, site.others.find(method, path), () => path))) return 'answered';
    exchange.ruleStatus = ruleStatus;
    return site.notFound.answer(exchange, params, status >= 400 ? status : 404);
  }

  describe(asked: AskedRequest, params: Params): Effect | undefined {
    const { request, destination, status, site } = this.#parts;
    const found = request.matchHead(asked);
    if (!found) return undefined;
    const path = destination.toTarget(params, found);
    const { method } = asked.request;
    const [first] = [...site.functions.find(method, path), ...site.others.find(method, path)];
    const isMissing = !first && site.files.has(path.split('?', 1)[0] ?? '') === false;
    const what = isMissing ? 'which the site does not have' : first ? `of ${first.route.file}` : '';
    const text = [`answers with ${path}`, what, status === 200 ? '' : `and ${status}`].filter(Boolean).join(', ');
    return toRuleEffect(text, found);
  }

  /** The target of the client with the query of the rule merged in. */
  #mergeQuery(target: string, params: Params, found: QueryMatch): string {
    const query = queryOf(target);
    const merged = this.#parts.destination.mergeQuery(query, params, found);
    return merged === query ? target : `${target.split('?', 1)[0]}?${merged}`;
  }
}

/** Calls the targets with this request target until one answers. If none does, the exchange is as before. */
async function callAny(exchange: Exchange, candidates: readonly Candidate[], toTarget: () => string): Promise<Outcome> {
  if (candidates.length === 0) return 'passed';
  const { target: originalTarget, route: rule, step: ruleStep } = exchange;
  const target = toTarget();
  if (target !== originalTarget) exchange.rewrite(target);
  for (const { route, params } of candidates) {
    exchange.route = route.pattern.text;
    exchange.step = route.step;
    exchange.answeredBy = route.target.name;
    // The rule has no code of its own, and a reload must not end that of the route before the call.
    route.code?.enter();
    try {
      if (isAnswered(await route.target.answer(exchange, params))) return 'answered';
    } finally {
      route.code?.leave();
    }
  }
  exchange.route = rule;
  exchange.step = ruleStep;
  exchange.calledAtMs = 0;
  if (target !== originalTarget) exchange.rewrite(originalTarget);
  return 'passed';
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
