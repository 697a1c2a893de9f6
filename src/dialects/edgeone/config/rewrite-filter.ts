import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import type { EdgeOneJson } from './check-edgeone-json.ts';
import { RuleDestination } from './rule-destination.ts';
import { RulePath, toHeaderPaths, toRulePath } from './rule-path.ts';

type Header = readonly [name: string, value: string];

/**
 * The filter of `headers`, `caches` and `rewrites` in `edgeone.json`; undefined if it has none. Always
 * passes. It may change the target of the request and add headers to its response.
 */
export function toRewriteFilter(json: EdgeOneJson): Target | undefined {
  const { headers, caches, rewrites } = json;
  return headers.length + caches.length + rewrites.length > 0 ? new RewriteFilter(json) : undefined;
}

class RewriteFilter implements Target {
  readonly name = 'edgeone.json';
  readonly isOwn = true;
  readonly #headers: readonly { readonly source: RulePath; readonly headers: readonly Header[] }[];
  readonly #caches: readonly { readonly source: RulePath; readonly value: string }[];
  readonly #rewrites: readonly { readonly source: RulePath; readonly destination: RuleDestination }[];

  constructor({ headers, caches, rewrites }: EdgeOneJson) {
    this.#headers = headers.map((rule) => ({
      source: new RulePath(rule.source),
      headers: rule.headers.map(({ key, value }) => [key, value] as const),
    }));
    this.#caches = caches.map(({ source, seconds }) => ({
      source: new RulePath(source),
      value: seconds === 0 ? 'no-store' : `max-age=${seconds}`,
    }));
    this.#rewrites = rewrites.map(({ source, destination }) => ({
      source: new RulePath(source),
      destination: new RuleDestination(destination),
    }));
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    this.#addHeaders(exchange);
    this.#addCacheTime(exchange);
    this.#rewrite(exchange);
    return 'passed';
  }

  describe({ target }: AskedRequest): Effect | undefined {
    const paths = toHeaderPaths(target);
    const isFor = ({ source }: { readonly source: RulePath }): boolean => paths.some((path) => source.match(path));
    const rewritten = this.#toTarget(target);
    const texts = [
      ...(this.#headers.some(isFor) ? ['adds headers to what the site answers'] : []),
      ...(this.#caches.some(isFor) ? ['adds CDN-Cache-Control to files'] : []),
      ...(rewritten === undefined ? [] : [`rewrites to ${rewritten}`]),
    ];
    const text = texts.join(', ');
    return text === '' ? undefined : { text, outcome: 'passes', ...(rewritten !== undefined && { target: rewritten }) };
  }

  /**
   * Matches the path that the client requested, before any rewrite: caches and browsers see only
   * that one.
   */
  #addHeaders(exchange: Exchange): void {
    if (this.#headers.length === 0) return;
    const paths = toHeaderPaths(exchange.askedTarget, exchange.kept);
    const merged = new Map<string, Header>();
    // If several rules set the same header, the last one wins: users write general rules first.
    for (const { source, headers } of this.#headers) {
      if (paths.some((path) => source.match(path))) for (const header of headers) merged.set(keyOf(header), header);
    }
    if (merged.size > 0) overlayAnswer(exchange, { headers: [...merged.values()], appliesTo: isFromSite });
  }

  /** For caches in front of nexthop, and of files only, as on the platform. Browsers get what is sent without the rule. */
  #addCacheTime(exchange: Exchange): void {
    if (this.#caches.length === 0) return;
    const paths = toHeaderPaths(exchange.askedTarget, exchange.kept);
    const rule = this.#caches.findLast(({ source }) => paths.some((path) => source.match(path)));
    if (rule) overlayAnswer(exchange, { headers: [['CDN-Cache-Control', rule.value]], appliesTo: isFile });
  }

  #rewrite(exchange: Exchange): void {
    const target = this.#toTarget(exchange.target);
    if (target !== undefined) exchange.rewrite(target);
  }

  /** Of the first rule that matches; undefined: none does. */
  #toTarget(target: string): string | undefined {
    const path = this.#rewrites.length > 0 ? toRulePath(target) : undefined;
    if (path === undefined) return undefined;
    for (const { source, destination } of this.#rewrites) {
      const captures = source.match(path);
      if (captures) return destination.fill(captures, target);
    }
    return undefined;
  }
}

/** The value is part of the key of `Set-Cookie`: each cookie is a separate header. */
function keyOf([name, value]: Header): string {
  const lowerName = name.toLowerCase();
  return lowerName === 'set-cookie' ? `${lowerName}:${value}` : lowerName;
}

function isFile({ isFile }: Exchange): boolean {
  return isFile;
}

/** False for responses of the hop: rules of the site do not apply to them. */
function isFromSite({ route }: Exchange): boolean {
  return route !== '';
}
