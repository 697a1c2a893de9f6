import type { Exchange } from '../../../contract/exchange.ts';
import { toMatchable } from '../../../contract/path.ts';
import type { Route } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';

export interface UnroutableParts {
  /** The path below which the build answers, decoded, without a slash at its end. */
  readonly base: string;
  /** Answers; finds no file. */
  readonly target: Target;
  /** The entry, relative to the site. */
  readonly file: string;
}

/**
 * The route of paths that match no route (a backslash, NUL, dot segments, malformed escapes) and of which one reading is below the base: where Astro answers all that
 * is not found, they are not for the hop. It is the last filter, so that every guard of the site has run before.
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
    const { target } = exchange;
    if (toMatchable(target) || !toGuardedPaths(target).some((path) => isBelow(path, this.#base))) return 'passed';
    return this.#target.answer(exchange, {});
  }
}

/** A base ends where a segment does: `/shop` is not that of `/shopping`. */
export function isBelow(path: string, base: string): boolean {
  return base === '' || `${path}/`.startsWith(`${base}/`);
}
