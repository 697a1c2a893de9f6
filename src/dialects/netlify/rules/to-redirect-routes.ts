import type { Exchange } from '../../../contract/exchange.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route, Router } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import type { TomlRedirect } from '../config/toml-redirects.ts';
import { mayOverlap } from '../find/pattern-fit.ts';
import { RedirectDestination } from './redirect-destination.ts';
import { RedirectQuery } from './redirect-query.ts';
import { toRedirectSource } from './redirect-source.ts';
import { RedirectTarget } from './redirect-target.ts';
import { RewriteTarget } from './rewrite-target.ts';

export interface RedirectRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/**
 * The routes of the redirects in `netlify.toml`: redirects of the client to another URL, and
 * rewrites to a function of this site. They are one list, of which the first matching rule is used.
 * With `force` it runs before functions and files, in one filter; else after them. A rule that
 * nexthop does not support becomes a warning. `functions`: the routes that rewrites may call.
 */
export function toRedirectRoutes(
  rules: readonly TomlRedirect[],
  functions: readonly Route[],
  createRouter: Project['createRouter'],
): RedirectRoutes {
  const router = createRouter(functions);
  const found: FoundRule[] = [];
  const problems: Problem[] = [];
  for (const [index, rule] of rules.entries()) {
    const made = toRoute(rule, { functions, router });
    if (typeof made !== 'string') found.push({ rule, route: { ...made, rank: index } });
    else {
      const { file, line, from, to } = rule;
      const message = `the redirect from ${JSON.stringify(from)} to ${JSON.stringify(to)} is not used: ${made}`;
      problems.push({ severity: 'warning', file, ...(line !== undefined && { line }), message });
    }
  }
  const forced = found.filter(({ rule }) => rule.force);
  const filters = forced.length > 0 ? [toFilter(forced.length, new ForcedRules(found, createRouter))] : [];
  return { routes: [...filters, ...found.filter(({ rule }) => !rule.force).map(({ route }) => route)], problems };
}

/** A route that is called for every path, as its pattern shows. Its text is a description. */
function toFilter(count: number, target: Target): Route {
  const pattern = { text: 'forced redirects', segments: [REST] };
  const about = count === 1 ? '1 rule' : `${count} rules`;
  return { pattern, methods: 'any', target, step: 1, dialect: 'netlify', file: target.name, about };
}

interface FoundRule {
  readonly rule: TomlRedirect;
  readonly route: Route;
}

/**
 * Applies the first matching rule if it has `force`. If the first matching rule has no `force`,
 * passes: that rule runs later and hides all rules after it.
 */
class ForcedRules implements Target {
  readonly name: string;
  readonly #router: Router;
  readonly #rules: ReadonlyMap<Route, { readonly force: boolean; readonly query: RedirectQuery }>;

  constructor(found: readonly FoundRule[], createRouter: Project['createRouter']) {
    this.name = found[0]?.rule.file ?? '';
    this.#router = createRouter(found.map(({ route }) => route));
    this.#rules = new Map(
      found.map(({ route, rule: { force, query } }) => [route, { force, query: new RedirectQuery(query) }]),
    );
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    for (const { route, params } of this.#router.find(exchange.request.method, exchange.target)) {
      const rule = this.#rules.get(route);
      if (!rule?.query.match(exchange.target)) continue;
      if (!rule.force) return 'passed';
      exchange.route = route.pattern.text;
      exchange.answeredBy = route.target.name;
      if ((await route.target.answer(exchange, params)) === 'answered') return 'answered';
    }
    return 'passed';
  }
}

/** The statuses that redirect a client. */
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface Functions {
  readonly functions: readonly Route[];
  readonly router: Router;
}

/** Returns a string with the reason if the rule cannot be used. */
function toRoute(rule: TomlRedirect, functions: Functions): Route | string {
  if (rule.others.length > 0) return `nexthop does not support ${rule.others.join(', ')}`;
  const source = toRedirectSource(rule.from);
  if (typeof source === 'string') return `its "from" ${source}`;
  const target = toTarget(rule, source, functions);
  if (typeof target === 'string') return target;
  const { file, status, to } = rule;
  return { pattern: source, methods: 'any', target, step: 6, dialect: 'netlify', file, about: `${status} to ${to}` };
}

function toTarget({ file, to, status, query }: TomlRedirect, source: Pattern, functions: Functions): Target | string {
  if (!/^(?:\/(?!\/)|https?:\/\/[^/?#])/i.test(to)) return 'its "to" must start with "/", http:// or https://';
  const names = new Set(namesOf(source, query));
  const destination = new RedirectDestination(to, names);
  if (hasPlaceholder(destination.origin, names)) {
    return 'its "to" has a placeholder in the host; only path and query may have one';
  }
  const parts = { file, status, query: new RedirectQuery(query), destination };
  if (REDIRECT_STATUSES.has(status)) return new RedirectTarget(parts);
  if (status > 200 && status < 400) return `status ${status} is neither a redirect nor a final response`;
  if (destination.origin !== '') return 'nexthop does not proxy redirects to other hosts';
  if (!mayReachFunction(to, names, functions))
    return 'its "to" matches no function of this site, and nexthop does not rewrite to files';
  return new RewriteTarget({ ...parts, functions: functions.router });
}

function* namesOf({ segments }: Pattern, query: TomlRedirect['query']): Generator<string> {
  for (const segment of segments) if (segment.kind !== 'literal') yield segment.name;
  for (const value of Object.values(query)) if (value.startsWith(':')) yield value.slice(1);
}

/** Whether a request for `to` can reach a function, for any values of its placeholders. */
function mayReachFunction(to: string, names: ReadonlySet<string>, { functions, router }: Functions): boolean {
  const [path = ''] = to.split(/[?#]/, 1);
  const texts = path.split('/').slice(1);
  const open = texts.findIndex((text) => hasPlaceholder(text, names));
  if (open >= 0) {
    const segments = texts.slice(0, open).map((text) => ({ kind: 'literal', text }) as const);
    return functions.some(({ pattern }) => mayOverlap(pattern, { text: path, segments: [...segments, REST] }));
  }
  const methods = new Set(functions.flatMap((route) => (route.methods === 'any' ? ['GET'] : route.methods)));
  return [...methods].some((method) => router.find(method, path).length > 0);
}

function hasPlaceholder(text: string, names: ReadonlySet<string>): boolean {
  return [...text.matchAll(/:([A-Za-z_]\w*)/g)].some(([, name = '']) => names.has(name));
}

const REST = { kind: 'catch-all', name: '', orNone: true } as const;
