import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { toMatchable } from '../../../contract/path.ts';
import type { Project } from '../../../contract/project.ts';
import type { Candidate, FilterLimit, Route, Router } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toPagePaths } from '../../../http/guarded-paths.ts';
import { type Overlay, overlayAnswer } from '../../../http/overlay-response.ts';
import type { NotFoundPage } from './not-found-page.ts';
import { RoleGuard } from './role-guard.ts';
import type { RuleRequest } from './rule-request.ts';

export interface ListedRule {
  readonly from: string;
  readonly force: boolean;
  readonly request: RuleRequest;
  readonly route: Route;
}

export interface RuleFilterParts {
  /** All rules of the site, in the order in which they are tried. */
  readonly rules: readonly ListedRule[];
  readonly createRouter: Project['createRouter'];
  readonly notFound: NotFoundPage;
  /** No request is forwarded to the next hop. */
  readonly answersAll: boolean;
}

/**
 * Runs before functions and files. Applies the first matching rule if it has `force`; a rule without
 * it runs later and hides all rules after it. If the client lacks the role of a rule, the next rules
 * apply, and they are applied here; if none matches, the response is 404, so that no
 * function, no file and no hop answers.
 */
export class RuleFilter implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #parts: RuleFilterParts;
  readonly #router: Router;
  readonly #byRoute: ReadonlyMap<Route, ListedRule>;
  readonly #guard: RoleGuard | undefined;
  /** Some rule may be applied here. Without one the list is not searched. */
  readonly #runsHere: boolean;

  constructor(parts: RuleFilterParts) {
    const { rules, createRouter } = parts;
    const guards = rules.filter(({ request }) => request.isGuard);
    this.#parts = parts;
    this.name = rules[0]?.route.file ?? parts.notFound.name;
    this.#runsHere = rules.some(({ force, request }) => force || request.isGuard);
    this.#byRoute = new Map(rules.map((rule) => [rule.route, rule]));
    this.#router = createRouter(rules.map(({ route }) => route));
    this.#guard = guards.length > 0 ? new RoleGuard(guards, createRouter) : undefined;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    if (this.#runsHere && (await this.#apply(exchange)) === 'answered') return 'answered';
    const { answersAll, notFound } = this.#parts;
    // Such a path matches no route, not even that of all paths.
    if (answersAll && !toMatchable(exchange.target)) return notFound.answer(exchange);
    return 'passed';
  }

  describe(asked: AskedRequest): Effect | undefined {
    const { answersAll, notFound } = this.#parts;
    if (answersAll && !toMatchable(asked.target)) return notFound.describe();
    for (const { route, params } of this.#runsHere ? this.#find(asked) : []) {
      const rule = this.#byRoute.get(route);
      const found = rule?.request.matchHead(asked);
      if (!found) continue;
      if (rule?.request.isGuard) return { text: GUARDS, outcome: 'may-answer' };
      if (!rule?.force) return undefined;
      const effect = route.target.describe?.(asked, params);
      if (effect) return effect;
    }
    return undefined;
  }

  /** The limit of the rule that is applied here, if it has one. */
  findLimits(exchange: Exchange): readonly FilterLimit[] {
    if (!this.#runsHere || this.#isClosedPage(exchange)) return [];
    let isClosed = false;
    for (const { route } of this.#find(exchange)) {
      const rule = this.#byRoute.get(route);
      if (!rule?.request.matchButRole(exchange)) continue;
      if (rule.request.hasRole(exchange)) {
        const { limit, pattern } = route;
        return limit && (rule.force || isClosed) ? [{ rule: limit.rule, pattern: pattern.text }] : [];
      }
      isClosed = true;
    }
    return [];
  }

  async #apply(exchange: Exchange): Promise<Outcome> {
    if (this.#isClosedPage(exchange)) return this.#close(exchange);
    let isClosed = false;
    for (const { route, params } of this.#find(exchange)) {
      const rule = this.#byRoute.get(route);
      if (!rule?.request.matchButRole(exchange)) continue;
      if (!rule.request.hasRole(exchange)) {
        isClosed = true;
        continue;
      }
      if (rule.request.isGuard) {
        overlayAnswer(exchange, FOR_ONE_CLIENT);
        exchange.runs?.passed?.(`roles of ${this.name}`);
      }
      if (!rule.force && !isClosed) return 'passed';
      exchange.route = route.pattern.text;
      exchange.step = route.step;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, params)) === 'answered') return 'answered';
    }
    return isClosed ? this.#close(exchange) : 'passed';
  }

  /**
   * Another spelling of the path is one of a rule whose roles the client does not have, or another path of the same page is: of the rules
   * for any path of a page the first one decides.
   */
  #isClosedPage(exchange: Exchange): boolean {
    if (!this.#guard) return false;
    if (this.#guard.isClosedFor(exchange)) return true;
    const { request, target } = exchange;
    const [path = ''] = target.split('?', 1);
    const [own = [], ...others] = toPagePaths(path).map((each) =>
      this.#router.find(request.method, each, request.host ?? ''),
    );
    const ranked = [own, ...others].flat().toSorted((left, right) => rankOf(left) - rankOf(right));
    const first = ranked.find(({ route }) => this.#byRoute.get(route)?.request.matchButRole(exchange));
    // The list decides about the path as it is.
    if (!first || own.some(({ route }) => route === first.route)) return false;
    return !this.#byRoute.get(first.route)?.request.hasRole(exchange);
  }

  #find({ request, target }: AskedRequest): readonly Candidate[] {
    return this.#router.find(request.method, target, request.host ?? '');
  }

  #close(exchange: Exchange): Promise<Outcome> {
    overlayAnswer(exchange, FOR_ONE_CLIENT);
    return this.#parts.notFound.answer(exchange);
  }
}

const GUARDS = 'answers 404 to clients without a role of its rule';

/** A file, too, that only some clients may have must not stay in a cache. */
const FOR_ONE_CLIENT: Overlay = { headers: [['Cache-Control', 'private, no-store']] };

/** The place of a rule in the list. */
function rankOf({ route: { rank = 0 } }: Candidate): number {
  return rank;
}
