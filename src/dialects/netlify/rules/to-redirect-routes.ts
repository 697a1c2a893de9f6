import type { Exchange } from '../../../contract/exchange.ts';
import type { ExternalOrigins } from '../../../contract/external-origins.ts';
import type { Problem } from '../../../contract/problem.ts';
import { type Project, withCode } from '../../../contract/project.ts';
import type { FilterLimit, Route, RouteLimit } from '../../../contract/route.ts';
import { NO_FILES } from '../../../contract/site-files.ts';
import type { Target } from '../../../contract/target.ts';
import { toCountryFinder } from '../call/geo.ts';
import { describeLimit } from '../config/rate-limit.ts';
import { CLOSED_NOTE, isGuard, type RedirectRule, toClosedRule, withoutRepeats } from '../config/redirect-rule.ts';
import { AccessTokens } from './access-tokens.ts';
import { NotFoundPage } from './not-found-page.ts';
import { type ProxyParts, ProxyTarget } from './proxy-target.ts';
import { findName, RedirectDestination } from './redirect-destination.ts';
import { type RedirectSource, toRedirectSource } from './redirect-source.ts';
import { RedirectTarget } from './redirect-target.ts';
import { type RewriteSite, RewriteTarget, toOthers } from './rewrite-target.ts';
import { type ListedRule, RuleFilter } from './rule-filter.ts';
import { RuleRequest } from './rule-request.ts';

export interface RedirectParts {
  /** In order: the first that matches is used. */
  readonly rules: readonly RedirectRule[];
  /** The routes that rewrites may call. */
  readonly functions: readonly Route[];
  readonly project: Pick<
    Project,
    'createRouter' | 'files' | 'siteRoutes' | 'origins' | 'env' | 'mockCountry' | 'warmCode'
  >;
  /** The site has a page for what it does not have, as a file of the site; undefined: no such page. */
  readonly notFoundPage?: string | undefined;
}

export interface RedirectRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
  /** Rules whose file is missing; to be called when the files of the site are known. */
  readonly lateProblems?: () => readonly Problem[];
  /** The limit of the forced rule that would answer; undefined: no rule of the site has a limit, or none has force. */
  readonly findLimits?: (exchange: Exchange) => readonly FilterLimit[];
  /** What answers every request that nothing else of the site does; undefined: those go to the next hop. */
  readonly answersAll?: Pick<Problem, 'file' | 'line'>;
}

/**
 * The routes of the rules of a site: redirects of the client to another URL, and rewrites to a
 * function or a file of this site. They are one list, of which the first matching rule is used. With
 * `force` it runs before functions and files, in one filter; else after them. A rule that is not used
 * becomes a problem.
 */
export function toRedirectRoutes(parts: RedirectParts): RedirectRoutes {
  return new Rules(parts).toRoutes();
}

/** The statuses that redirect a client. */
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

class Rules {
  readonly #parts: RedirectParts;
  readonly #site: RewriteSite;
  readonly #tokens: AccessTokens;
  readonly #problems: Problem[] = [];
  /** The filter of forced rules, if one of the rules has a limit. */
  #limited: RuleFilter | undefined;

  constructor(parts: RedirectParts) {
    const { functions, project } = parts;
    const files = project.files ?? NO_FILES;
    this.#parts = parts;
    this.#site = {
      functions: project.createRouter(functions.map((route) => withCode(route, project))),
      files,
      others: toOthers(project.siteRoutes),
      notFound: new NotFoundPage(files),
    };
    this.#tokens = new AccessTokens(project.env.JWT_SECRET ?? '');
  }

  toRoutes(): RedirectRoutes {
    const { rules, repeated } = withoutRepeats(this.#parts.rules);
    for (const rule of repeated) this.#report(rule, 'the same rule follows later', 'warning');
    const listed = rules.flatMap((rule, index) => {
      const found = this.#toListed(rule, index);
      if (!(found instanceof Unused)) return [found];
      const closed = isGuard(rule) ? this.#toListed(toClosedRule(rule), index) : found;
      const isClosed = !(closed instanceof Unused);
      this.#report(rule, isClosed ? `${found.why}; ${CLOSED_NOTE}` : found.why, found.severity);
      return isClosed ? [closed] : [];
    });
    const all = listed.find(({ from, request }) => from === '/*' && request.isOpen);
    const last = this.#toLastRoute();
    const filter = this.#toFilter(listed, all !== undefined || last.length > 0);
    const routes = [...filter, ...listed.filter(({ force }) => !force).map(({ route }) => route), ...last];
    const owner = all ? toPlace(all.rule) : last.map(({ file }) => ({ file }))[0];
    const lateProblems = () => listed.flatMap(({ rule, route }) => this.#findMissing(rule, route.target));
    const limited = this.#limited;
    return {
      ...{ routes, problems: this.#problems, lateProblems },
      ...(owner && { answersAll: owner }),
      ...(limited && { findLimits: (exchange: Exchange) => limited.findLimits(exchange) }),
    };
  }

  /** A rewrite whose destination is certainly neither a function nor a file. */
  #findMissing(rule: RedirectRule, target: Target): readonly Problem[] {
    const { functions, files, others } = this.#site;
    const [path = ''] = rule.to.split(/[?#]/, 1);
    if (!(target instanceof RewriteTarget) || path.includes(':') || files.has(path) !== false) return [];
    const routers = [functions, others];
    if (['GET', 'POST'].some((method) => routers.some((router) => router.find(method, path).length > 0))) return [];
    const message = `${JSON.stringify(path)} is neither a file nor a function of this site: requests for ${JSON.stringify(rule.from)} get 404`;
    return [{ severity: 'warning', ...toPlace(rule), message }];
  }

  #toListed(rule: RedirectRule, index: number): (ListedRule & { readonly rule: RedirectRule }) | Unused {
    if (rule.others.length > 0) return new Unused(`nexthop does not support ${rule.others.join(', ')}`, 'warning');
    const source = toRedirectSource(rule.from);
    if (typeof source === 'string') return new Unused(`its "from" ${source}`);
    const request = this.#toRequest(rule, source);
    const target = this.#toTarget(rule, source, request);
    if (target instanceof Unused) return target;
    if (rule.conditions.role?.length && !this.#tokens.hasSecret) {
      const message = `the variable JWT_SECRET is not set, so no client has a role: ${JSON.stringify(rule.from)} answers 404`;
      this.#problems.push({ severity: 'warning', ...toPlace(rule), message });
    }
    const { file, status, to, from, force, rateLimit } = rule;
    const { pattern } = source;
    const limit: RouteLimit | undefined =
      rateLimit && rateLimit !== 'wrong'
        ? { rule: rateLimit, matches: (exchange) => request.match(exchange) !== undefined }
        : undefined;
    const about = `${status} to ${to}${limit ? `, ${describeLimit(limit.rule)}` : ''}`;
    const route: Route = {
      pattern: source.origin ? { ...pattern, text: from } : pattern,
      ...{ methods: 'any', target, step: 6, rank: index, dialect: 'netlify', file, about },
      ...(limit && { limit }),
    };
    return { from: pattern.text, force, request, route, rule };
  }

  #toRequest({ query, conditions }: RedirectRule, { origin }: RedirectSource): RuleRequest {
    const { mockCountry } = this.#parts.project;
    return new RuleRequest({
      origin,
      query,
      conditions,
      findCountry: toCountryFinder(mockCountry),
      tokens: this.#tokens,
    });
  }

  #toTarget(rule: RedirectRule, source: RedirectSource, request: RuleRequest): Target | Unused {
    const { file, to, status, query } = rule;
    if (!/^(?:\/(?!\/)|https?:\/\/[^/?#])/i.test(to))
      return new Unused('its "to" must start with "/", http:// or https://');
    const names = new Set([...source.names, ...capturesOf(query)]);
    const destination = new RedirectDestination(to, names);
    if (destination.origin.split(/(?=:)/).some((piece) => findName(piece, names) !== undefined)) {
      return new Unused('its "to" has a placeholder in the host; only path and query may have one');
    }
    const parts = { file, status, request, destination };
    if (rule.rateLimit === 'wrong') return this.#toClosed(rule, request);
    if (REDIRECT_STATUSES.has(status)) return new RedirectTarget(parts);
    if (status > 200 && status < 400) return new Unused(`status ${status} is neither a redirect nor a final response`);
    if (destination.origin !== '') return this.#toProxy(rule, { request, destination });
    return new RewriteTarget({ ...parts, site: this.#site });
  }

  /** Neither the destination nor the next hop: the limit may protect what answers. */
  #toClosed({ file: name }: RedirectRule, request: RuleRequest): Target {
    const { notFound } = this.#site;
    return { name, answer: async (exchange) => (request.match(exchange) ? notFound.answer(exchange) : 'passed') };
  }

  #toProxy(rule: RedirectRule, parts: Pick<ProxyParts, 'request' | 'destination'>): Target | Unused {
    const { env, origins } = this.#parts.project;
    const { file, status, headers, signed } = rule;
    if (status !== 200) return new Unused(`only status 200 may lead to another host, got ${status}`);
    const obstacle = origins?.findObstacle(parts.destination.origin);
    if (obstacle !== undefined) return new Unused(obstacle, 'warning');
    const secret = signed === undefined ? undefined : env[signed];
    if (signed !== undefined && !secret)
      return new Unused(`the variable ${signed}, with which its requests are signed, is not set`, 'warning');
    const site = {
      netlify_id: env.SITE_ID ?? '',
      site_url: env.URL ?? '',
      deploy_context: env.CONTEXT ?? 'production',
    };
    return new ProxyTarget({
      ...{ file, status, headers, ...parts },
      // Without a server no request is sent.
      origins: origins ?? NO_ORIGINS,
      signature: secret ? { secret, site } : undefined,
    });
  }

  /** A route that is called for every path, as its pattern shows. Its text is a description. */
  #toFilter(rules: readonly ListedRule[], answersAll: boolean): readonly Route[] {
    const { createRouter } = this.#parts.project;
    const forced = rules.filter(({ force, request }) => force || request.isGuard).length;
    if (forced === 0 && !answersAll) return [];
    const target = new RuleFilter({ rules, createRouter, notFound: this.#site.notFound, answersAll });
    if (rules.some(({ route: { limit } }) => limit)) this.#limited = target;
    const roles = rules.filter(({ request }) => request.isGuard).map(({ from }) => from);
    const guards = roles.length > 0 && { guards: { kind: 'rules with roles', names: roles } };
    const filter = { methods: 'any', target, step: 1, dialect: 'netlify', file: target.name, ...guards } as const;
    if (forced === 0) return [{ ...filter, pattern: { text: 'unusual paths', segments: [REST] } }];
    const about = forced === 1 ? '1 rule' : `${forced} rules`;
    return [{ ...filter, pattern: { text: 'forced redirects', segments: [REST] }, about }];
  }

  /** The page for what the site does not have. */
  #toLastRoute(): readonly Route[] {
    const { notFoundPage: file } = this.#parts;
    if (file === undefined) return [];
    const pattern = { text: '/*', segments: [REST] };
    return [{ pattern, methods: 'any', target: this.#site.notFound, step: 7, rank: 1, dialect: 'netlify', file }];
  }

  #report(rule: RedirectRule, why: string, severity: Problem['severity']): void {
    const { from, to } = rule;
    const message = `the redirect from ${JSON.stringify(from)} to ${JSON.stringify(to)} is not used: ${why}`;
    this.#problems.push({ severity, ...toPlace(rule), message });
  }
}

/** Why a rule is not used: a mistake in it, or something that nexthop or its settings do not have ('warning'). */
class Unused {
  readonly why: string;
  readonly severity: Problem['severity'];

  constructor(why: string, severity: Problem['severity'] = 'error') {
    this.why = why;
    this.severity = severity;
  }
}

function toPlace({ file, line }: RedirectRule): Pick<Problem, 'file' | 'line'> {
  return { file, ...(line !== undefined && { line }) };
}

function capturesOf(query: RedirectRule['query']): readonly string[] {
  return Object.values(query).flatMap((value) => (value.startsWith(':') ? [value.slice(1)] : []));
}

const REST = { kind: 'catch-all', name: '', orNone: true } as const;

const NO_ORIGINS: Pick<ExternalOrigins, 'forward'> = {
  forward: async () => 'passed',
};
