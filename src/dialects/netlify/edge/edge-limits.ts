import type { Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { FilterLimit } from '../../../contract/route.ts';
import type { Target } from '../../../contract/target.ts';
import { describeLimit, IN_EDGE_CONFIG, readRateLimit } from '../config/rate-limit.ts';
import type { EdgeMatcher } from './edge-matcher.ts';

/** A declaration with its `rateLimit`. */
export interface LimitedEdgeFunction {
  readonly name: string;
  /** Relative to the site. */
  readonly file: string;
  /** Of its `rateLimit`; undefined: unknown. */
  readonly location: Pick<Problem, 'file' | 'line' | 'column'> | undefined;
  readonly value: unknown;
  /** The paths of the declaration, as declared. */
  readonly text: string;
  readonly matcher: EdgeMatcher;
}

/** The rate limits of the edge functions of a site. They are counted before any filter runs. */
export class EdgeLimits {
  readonly #limits: (FilterLimit & { readonly matcher: EdgeMatcher })[] = [];
  readonly #report: (problem: Problem) => void;

  constructor(report: (problem: Problem) => void) {
    this.#report = report;
  }

  /** Reads the limit of a declaration, for lists of routes. 'wrong': its requests must get no answer, because the limit may protect what follows. */
  add({ name, file, location, value, text, matcher }: LimitedEdgeFunction): string | 'wrong' {
    const part = { file, part: `edge function ${name}`, name, paths: text.split(' ') };
    const { rule, problems } = readRateLimit(value, IN_EDGE_CONFIG, part);
    for (const { severity, key, message } of problems) {
      const path = key === '' ? 'rateLimit' : `rateLimit.${key}`;
      this.#report({ severity, file, ...location, message: `${path} ${message}` });
    }
    if (rule === 'wrong') return rule;
    this.#limits.push({ rule, matcher, pattern: text });
    return describeLimit(rule);
  }

  /** Undefined if no function has a limit. */
  get find(): ((exchange: Exchange) => readonly FilterLimit[]) | undefined {
    return this.#limits.length > 0 ? (exchange) => this.#find(exchange) : undefined;
  }

  /** All declarations of a function share its rule, and count a request once. */
  #find(exchange: Exchange): readonly FilterLimit[] {
    const found = new Map<string, FilterLimit>();
    for (const each of this.#limits) {
      if (!found.has(each.rule.id) && each.matcher.match(exchange)) found.set(each.rule.id, each);
    }
    return [...found.values()];
  }
}

/** Answers the requests of an edge function with a wrong limit: 404, and nothing that follows it. */
export function toClosedTarget(name: string, matcher: EdgeMatcher): Target {
  return {
    name,
    answer(exchange) {
      if (!matcher.match(exchange)) return 'passed';
      throw new Fault('not_found', { message: `${name} is closed: its rateLimit is wrong` });
    },
    describe(asked) {
      const effect = matcher.describe(asked);
      return effect?.outcome === 'may-answer' ? CLOSED : effect;
    },
  };
}

const CLOSED: Effect = {
  text: 'answers 404, because its rateLimit is wrong',
  outcome: 'answers',
};
