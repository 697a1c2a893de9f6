import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { toMatchable } from '../../../contract/path.ts';
import type { Route } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

export interface UnroutableParts {
  /** The path below which the build answers, decoded, without a slash at its end. */
  readonly base: string;
  /** Must not look for files by the path. */
  readonly target: Target;
  /** The entry, relative to the site. */
  readonly file: string;
}

/**
 * The route for paths that match no route (with a backslash, NUL, dot segments or malformed
 * escapes) and that are below the base in their raw or decoded form. When Astro owns all 404 below
 * its base, they must not reach the hop. It is the last filter: every guard of the site runs first.
 */
export function unroutableRoute({ base, target, file }: UnroutableParts): Route {
  return {
    pattern: { text: `${base}/*`, segments: [] },
    methods: 'any',
    target: new UnroutableTarget(base, target),
    step: 1,
    rank: Number.MAX_SAFE_INTEGER,
    dialect: 'astro',
    file,
    about: 'paths that match no route',
  };
}

class UnroutableTarget implements Target {
  readonly name: string;
  readonly #base: string;
  readonly #target: Target;

  constructor(base: string, target: Target) {
    this.name = target.name;
    this.#base = base;
    this.#target = target;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    return this.#isFor(exchange) ? this.#target.answer(exchange, {}) : 'passed';
  }

  describe(asked: AskedRequest): Effect | undefined {
    const text = 'answers: the path can be read in several ways, so it matches no route';
    return this.#isFor(asked) ? { text, outcome: 'answers' } : undefined;
  }

  #isFor({ target, kept }: AskedRequest): boolean {
    return !toMatchable(target) && toGuardedPaths(target, kept).some((path) => isBelow(path, this.#base));
  }
}

/** Whether a path is below the base, by whole segments: `/shopping` is not below `/shop`. */
export function isBelow(path: string, base: string): boolean {
  return base === '' || `${path}/`.startsWith(`${base}/`);
}
