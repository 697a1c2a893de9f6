import type { Exchange } from '../../../contract/exchange.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route, Router } from '../../../contract/route.ts';
import { toGuardedPaths, toPagePaths } from '../../../http/guarded-paths.ts';
import { toRedirectSource } from './redirect-source.ts';
import type { RuleRequest } from './rule-request.ts';

export interface GuardRule {
  readonly from: string;
  readonly request: RuleRequest;
}

/**
 * The rules with roles, for the unusual spellings of a path: in other letters, with escapes, dot
 * segments or several slashes. The files and the next hop may read them as the guarded path, so they
 * are closed for clients without the role.
 */
export class RoleGuard {
  readonly #router: Router;
  readonly #requests: ReadonlyMap<Route, RuleRequest>;

  constructor(rules: readonly GuardRule[], createRouter: Project['createRouter']) {
    const routes = rules.flatMap(({ from, request }) => {
      const source = toRedirectSource(from.toLowerCase());
      return typeof source === 'string' ? [] : [[toRoute(source.pattern), request] as const];
    });
    this.#requests = new Map(routes);
    this.#router = createRouter(routes.map(([route]) => route));
  }

  /** The path, as some server may read it, is one of a rule whose roles the client does not have. */
  isClosedFor(exchange: Exchange): boolean {
    const { request, target, kept } = exchange;
    const [path = ''] = target.split('?', 1);
    const spellings = new Set(toGuardedPaths(target, kept).map((each) => each.toLowerCase()));
    // The list of rules decides about the path as it is.
    spellings.delete(path);
    for (const spelling of [...spellings].flatMap(toPagePaths)) {
      for (const { route } of this.#router.find(request.method, toTarget(spelling), request.host ?? '')) {
        const rule = this.#requests.get(route);
        if (rule?.matchButRole(exchange) && !rule.hasRole(exchange)) return true;
      }
    }
    return false;
  }
}

/** The spelling is decoded; the router decodes a path. */
function toTarget(spelling: string): string {
  return encodeURI(spelling.toWellFormed()).replaceAll(/[?#]/g, encodeURIComponent);
}

function toRoute(pattern: Pattern): Route {
  return { pattern, methods: 'any', target: NEVER, step: 1, dialect: 'netlify', file: '' };
}

/** The routes are only looked up. */
const NEVER = { name: '', answer: async () => 'passed' as const };
