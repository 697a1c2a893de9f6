import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Project } from '../../../contract/project.ts';
import type { Candidate, Route, Router } from '../../../contract/route.ts';
import type { SiteCode } from '../../../contract/site-code.ts';
import type { Answer, Outcome, Target } from '../../../contract/target.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';
import { EdgeRun } from './edge-run.ts';

/**
 * Calls the edge function of a path, before files and all other functions. It may protect files or
 * the next hop, which may read `//admin` or `/x/%2e%2e/admin` as `/admin`, so it is also called for
 * other spellings of its path.
 */
export class EdgeFilter implements Target {
  readonly name = 'edge functions';
  readonly #router: Router;
  readonly #warmCode: Project['warmCode'];

  constructor({ createRouter, warmCode }: Project, routes: readonly Route[]) {
    this.#router = createRouter(routes);
    this.#warmCode = warmCode;
  }

  answer(exchange: Exchange): Answer {
    return this.#try(exchange, this.#find(exchange), 0);
  }

  describe(asked: AskedRequest): Effect | undefined {
    const names = this.#find(asked).map(({ route }) => route.file);
    return names.length === 0 ? undefined : { text: `runs first: calls ${names.join(', ')}`, outcome: 'may-answer' };
  }

  #find({ request: { method }, target, kept }: AskedRequest): readonly Candidate[] {
    const paths = toGuardedPaths(target, kept);
    const found = this.#router.find(method, target);
    // Nearly every path has one reading. That of a malformed escape is found when it is encoded.
    if (paths.length === 1 && found.length > 0) return found;
    const byRoute = new Map(found.map((candidate) => [candidate.route, candidate]));
    for (const path of paths) {
      for (const candidate of this.#router.find(method, encode(path))) {
        if (!byRoute.has(candidate.route)) byRoute.set(candidate.route, candidate);
      }
    }
    if (kept && paths.length > 1) EdgeRun.showPaths(kept, { target, byFile: toSeenPaths([...byRoute.keys()], paths) });
    // The function of `/admin` protects it also from a catch-all that matches the path as received.
    return [...byRoute.values()].sort((left, right) => literalsOf(right) - literalsOf(left));
  }

  #try(exchange: Exchange, candidates: readonly Candidate[], from: number): Answer {
    for (let at = from; at < candidates.length; at++) {
      const outcome = this.#call(exchange, candidates[at] as Candidate); // within bounds
      if (outcome instanceof Promise) {
        return outcome.then((later) => {
          return later === 'answered' || EdgeRun.isOver(exchange) ? later : this.#try(exchange, candidates, at + 1);
        });
      }
      // It let a WebSocket handshake go on, or has no handler for the method.
      if (outcome === 'answered' || EdgeRun.isOver(exchange)) return outcome;
    }
    return 'passed';
  }

  #call(exchange: Exchange, { route, params }: Candidate): Answer {
    exchange.route = route.pattern.text;
    exchange.answeredBy = route.target.name;
    const code = this.#warmCode?.codeOf(route.file);
    return code ? callWithin(code, () => route.target.answer(exchange, params)) : route.target.answer(exchange, params);
  }
}

async function callWithin(code: SiteCode, call: () => Answer): Promise<Outcome> {
  code.enter();
  try {
    return await call();
  } finally {
    code.leave();
  }
}

/** By file, the first reading that spells its pattern, unless that is the path as received. Code may compare the path with its own again. */
function toSeenPaths(routes: readonly Route[], [received, ...others]: readonly string[]): ReadonlyMap<string, string> {
  const seen = new Map<string, string>();
  for (const { file, pattern } of routes) {
    const isSpelt = (path = ''): boolean => {
      const segments = path.split('/');
      return pattern.segments.every((each, at) => each.kind !== 'literal' || each.text === segments[at + 1]);
    };
    const path = isSpelt(received) ? undefined : others.find(isSpelt);
    if (path !== undefined) seen.set(file, path);
  }
  return seen;
}

/** How many segments of the pattern are text: more of them are more specific. */
function literalsOf({ route }: Candidate): number {
  return route.pattern.segments.filter(({ kind }) => kind === 'literal').length;
}

/** The router refuses characters that servers read differently, unless they are encoded. */
function encode(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
