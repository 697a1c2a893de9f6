import type { Exchange } from '../../../contract/exchange.ts';
import type { Pattern } from '../../../contract/pattern.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { Route, Router } from '../../../contract/route.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import type { TomlRedirect } from '../config/toml-redirects.ts';
import { mayMeet } from '../find/pattern-fit.ts';
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
 * The routes of the rules in `netlify.toml`: those that lead a client elsewhere, and those that a function of this site answers. They are one list, of which the first rule
 * that matches counts: with `force` it answers before functions and files, by one filter; else after all of them. What is not done here is a warning.
 * `functions`: their routes, by which rules find them.
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

/** The shape of the pattern says that it is asked about every path; its text says what it is. */
function toFilter(count: number, target: Target): Route {
  const pattern = { text: 'forced redirects', segments: [ANYTHING] };
  const about = count === 1 ? '1 rule' : `${count} rules`;
  return { pattern, methods: 'any', target, step: 1, dialect: 'netlify', file: target.name, about };
}

interface FoundRule {
  readonly rule: TomlRedirect;
  readonly route: Route;
}

/** Answers by the first rule that matches, if it is one with `force`; a rule without it that comes first is kept for later, and hides the others. */
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
    for (const { route, params } of this.#router.find(exchange.request.method ?? '', exchange.target)) {
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

/** What a client follows. */
const LEADING: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface Functions {
  readonly functions: readonly Route[];
  readonly router: Router;
}

/** A string instead says why there is none. */
function toRoute(rule: TomlRedirect, functions: Functions): Route | string {
  if (rule.others.length > 0) return `nothing here knows ${rule.others.join(', ')}`;
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
  if (hasName(destination.origin, names)) {
    return 'its "to" has a name in the host; only path and query can be filled in here';
  }
  const parts = { file, status, query: new RedirectQuery(query), destination };
  if (LEADING.has(status)) return new RedirectTarget(parts);
  if (status > 200 && status < 400) return `a status of ${status} neither leads anywhere nor answers`;
  if (destination.origin !== '') return 'requests are not passed on to other hosts here';
  if (!isReached(to, names, functions))
    return 'no function of this site is reached there, and files are not rewritten to here';
  return new RewriteTarget({ ...parts, functions: functions.router });
}

function* namesOf({ segments }: Pattern, query: TomlRedirect['query']): Generator<string> {
  for (const segment of segments) if (segment.kind !== 'literal') yield segment.name;
  for (const wanted of Object.values(query)) if (wanted.startsWith(':')) yield wanted.slice(1);
}

/** Whether some function may be reached, whatever the names in it stand for. */
function isReached(to: string, names: ReadonlySet<string>, { functions, router }: Functions): boolean {
  const [path = ''] = to.split(/[?#]/, 1);
  const texts = path.split('/').slice(1);
  const open = texts.findIndex((text) => hasName(text, names));
  if (open >= 0) {
    const segments = texts.slice(0, open).map((text) => ({ kind: 'literal', text }) as const);
    return functions.some(({ pattern }) => mayMeet(pattern, { text: path, segments: [...segments, ANYTHING] }));
  }
  const methods = new Set(functions.flatMap((route) => (route.methods === 'any' ? ['GET'] : route.methods)));
  return [...methods].some((method) => router.find(method, path).length > 0);
}

function hasName(text: string, names: ReadonlySet<string>): boolean {
  return [...text.matchAll(/:([A-Za-z_]\w*)/g)].some(([, name = '']) => names.has(name));
}

const ANYTHING = { kind: 'catch-all', name: '', orNone: true } as const;
