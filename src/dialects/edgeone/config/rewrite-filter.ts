import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import type { EdgeOneJson } from './check-edgeone-json.ts';
import { RuleDestination } from './rule-destination.ts';
import { RulePath, toHeaderPaths, toRulePath } from './rule-path.ts';

type Field = readonly [name: string, value: string];

/** The `headers` and `rewrites` of `edgeone.json`; undefined if there are none. It always passes, perhaps with another target and fields for the answer. */
export function toRewriteFilter(json: EdgeOneJson): Target | undefined {
  return json.headers.length > 0 || json.rewrites.length > 0 ? new RewriteFilter(json) : undefined;
}

class RewriteFilter implements Target {
  readonly name = 'edgeone.json';
  readonly #headers: readonly { readonly source: RulePath; readonly fields: readonly Field[] }[];
  readonly #rewrites: readonly { readonly source: RulePath; readonly destination: RuleDestination }[];

  constructor({ headers, rewrites }: EdgeOneJson) {
    this.#headers = headers.map((rule) => ({
      source: new RulePath(rule.source),
      fields: rule.headers.map(({ key, value }) => [key, value] as const),
    }));
    this.#rewrites = rewrites.map(({ source, destination }) => ({
      source: new RulePath(source),
      destination: new RuleDestination(destination),
    }));
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    this.#lay(exchange);
    this.#rewrite(exchange);
    return 'passed';
  }

  /** By the path that the client asked for, whatever it is rewritten to: that is the address that a cache or a browser sees. */
  #lay(exchange: Exchange): void {
    if (this.#headers.length === 0) return;
    const paths = toHeaderPaths(exchange.askedTarget);
    const fields = new Map<string, Field>();
    // Of rules that name the same field the last one counts: the general ones are written first.
    for (const { source, fields: own } of this.#headers) {
      if (paths.some((path) => source.match(path))) for (const field of own) fields.set(keyOf(field), field);
    }
    if (fields.size > 0) overlayAnswer(exchange, { fields: [...fields.values()], appliesTo: isOfSite });
  }

  #rewrite(exchange: Exchange): void {
    const path = this.#rewrites.length > 0 ? toRulePath(exchange.target) : undefined;
    if (path === undefined) return;
    for (const { source, destination } of this.#rewrites) {
      const captures = source.match(path);
      if (!captures) continue;
      exchange.rewrite(destination.fill(captures, exchange.target));
      return;
    }
  }
}

/** Several cookies are several fields. */
function keyOf([name, value]: Field): string {
  const lowerName = name.toLowerCase();
  return lowerName === 'set-cookie' ? `${lowerName}:${value}` : lowerName;
}

/** What comes from the hop has fields of its own; the site says nothing about it. */
function isOfSite({ route }: Exchange): boolean {
  return route !== '';
}
