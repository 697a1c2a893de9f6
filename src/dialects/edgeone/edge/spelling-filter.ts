import type { Exchange } from '../../../contract/exchange.ts';
import type { Project } from '../../../contract/project.ts';
import type { Candidate, Route, Router } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

/**
 * Calls an edge function for every spelling of its path: it may protect files or the next hop,
 * which may read `//admin` or `/x/%2e%2e/admin` as `/admin`. A path that is matched as it was
 * received passes to the routes.
 */
export class SpellingFilter implements Target {
  readonly name = 'edge functions';
  readonly #router: Router;
  readonly #warmCode: Project['warmCode'];

  constructor({ createRouter, warmCode }: Project, routes: readonly Route[]) {
    this.#router = createRouter(routes);
    this.#warmCode = warmCode;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const [, ...others] = toGuardedPaths(exchange.target);
    const { method } = exchange.request;
    if (others.length === 0 || this.#router.find(method, exchange.target).length > 0) return 'passed';
    for (const candidate of others.flatMap((path) => this.#router.find(method, path))) {
      if ((await this.#call(exchange, candidate)) === 'answered') return 'answered';
    }
    return 'passed';
  }

  async #call(exchange: Exchange, { route, params }: Candidate): Promise<Outcome> {
    const code = this.#warmCode?.codeOf(route.file);
    exchange.route = route.pattern.text;
    exchange.answeredBy = route.target.name;
    code?.enter();
    try {
      return await route.target.answer(exchange, params);
    } finally {
      code?.leave();
    }
  }
}
