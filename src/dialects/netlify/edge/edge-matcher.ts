import { type AskedRequest, type Effect, RUNS_FIRST, toSkipped } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Router } from '../../../contract/route.ts';
import type { Params } from '../../../contract/target.ts';
import { toGuardedPaths } from '../../../http/guarded-paths.ts';
import type { DeclaredPath, EdgeRule, HeaderCondition } from './edge-rule.ts';

export interface EdgeMatch {
  /** Of the path, not decoded. */
  readonly params: Params;
  /** The reading of the path that matched; undefined if it is the path as received. */
  readonly path: string | undefined;
}

const NO_PARAMS: Params = Object.freeze({});
const CAPITALS = /[A-Z]/;

/**
 * Decides which requests an edge function gets. It may guard the site, so it gets a request if any reading of its path matches (`toGuardedPaths`); also in lower case,
 * if the site has a route for the path that ignores case.
 */
export class EdgeMatcher {
  readonly #rule: EdgeRule;
  readonly #anyCase: Pick<EdgeRule, 'paths' | 'excluded'>;
  readonly #routes: Router | undefined;

  /** `routes`: of the whole site. */
  constructor(rule: EdgeRule, routes: Router | undefined) {
    this.#rule = rule;
    this.#routes = routes;
    this.#anyCase = { paths: rule.paths.map(ignoreCase), excluded: rule.excluded.map(ignoreCase) };
  }

  /** Undefined if the function does not get the request. */
  match(exchange: Exchange): EdgeMatch | undefined {
    const isWanted = this.#rule.headers.every((condition) => holds(condition, exchange.request.headers));
    return isWanted ? this.#matchHead(exchange) : undefined;
  }

  describe(asked: AskedRequest): Effect | undefined {
    if (!this.#matchHead(asked)) return this.#describeSkipped(asked);
    const { text, outcome } = RUNS_FIRST;
    return { text: this.#rule.headers.length > 0 ? `${text}, if the headers fit its declaration` : text, outcome };
  }

  /** Undefined if the request is none of its paths. */
  #describeSkipped({ target, kept }: AskedRequest): Effect | undefined {
    const { methods, paths, excluded } = this.#rule;
    const readings = toGuardedPaths(target, kept);
    if (!find(readings, { paths, excluded: [] })) return undefined;
    const exclusion = excluded.find(({ expression }) => readings.some((path) => expression.test(path)));
    if (exclusion) return toSkipped(`its ${exclusion.key} is ${exclusion.text}`);
    return methods && toSkipped(`its method is ${[...methods].join(', ')}`);
  }

  #matchHead({ request, target, kept }: AskedRequest): EdgeMatch | undefined {
    const { methods } = this.#rule;
    if (methods && !methods.has(request.method)) return undefined;
    const readings = toGuardedPaths(target, kept);
    const found = find(readings, this.#rule);
    if (found || !readings.some((path) => CAPITALS.test(path))) return found;
    const isAnyCase = this.#routes?.find(request.method, target).some(({ route }) => route.anyCase);
    return isAnyCase ? find(readings, this.#anyCase) : undefined;
  }
}

/** Excludes only a reading that is excluded itself: `/public/../admin` is none of `/public/*`. */
function find(
  readings: readonly string[],
  { paths, excluded }: Pick<EdgeRule, 'paths' | 'excluded'>,
): EdgeMatch | undefined {
  for (const path of readings) {
    for (const { expression, names } of paths) {
      const found = expression.exec(path);
      if (found && !excluded.some((each) => each.expression.test(path)))
        return { params: toParams(found, names), path: path === readings[0] ? undefined : path };
    }
  }
  return undefined;
}

function toParams(found: RegExpExecArray, names: readonly string[]): Params {
  if (names.length === 0) return found.groups ? { ...found.groups } : NO_PARAMS;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const value = found[index + 1];
    if (value !== undefined) params[name] = value;
  }
  return params;
}

function ignoreCase({ expression, ...declared }: DeclaredPath): DeclaredPath {
  return { ...declared, expression: new RegExp(expression.source, `${expression.flags}i`) };
}

/** The values of a header are joined by commas, as on the platform. */
function holds({ name, wants }: HeaderCondition, headers: readonly string[]): boolean {
  const values = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name);
  if (typeof wants === 'boolean') return values.length > 0 === wants;
  return values.length > 0 && wants.test(values.join(','));
}
