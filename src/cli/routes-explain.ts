import { existsSync } from 'node:fs';
import type { IgnoredFile } from '../contract/dialect.ts';
import { type AskedRequest, type Effect, RUNS_FIRST, toSkipped } from '../contract/effect.ts';
import { Fault } from '../contract/fault.ts';
import { nearestWord } from '../contract/nearest-word.ts';
import { describeOwnPage, type PageSettings } from '../contract/own-page.ts';
import { toMatchable } from '../contract/path.ts';
import type { Candidate, Route } from '../contract/route.ts';
import { createParams, type Params } from '../contract/target.ts';
import type { Site } from '../site/site.ts';
import { align, inOneLine } from './align.ts';
import { UsageError } from './usage-error.ts';

/** The request that is explained. */
export interface ExplainedRequest {
  readonly method: string;
  /** In origin-form. */
  readonly target: string;
  /** Undefined: a path was given, so routes of any host match. */
  readonly host?: string;
}

/** Whether a word is a path or a URL to explain. An absolute path of a folder, but `/`, is a site, unless --site names one. */
export function isRequestWord(word: string, hasSite = false): boolean {
  if (!word.startsWith('/')) return /^https?:\/\//.test(word);
  return hasSite || word === '/' || !existsSync(`${word}/`);
}

/** Undefined if no path is given. Throws a UsageError for what is no request. */
export function toRequest(words: readonly string[], method = 'GET'): ExplainedRequest | undefined {
  const [word, extra] = words;
  if (extra !== undefined) throw new UsageError(`one path at a time, got ${JSON.stringify(extra)} too`);
  if (word === undefined) return undefined;
  if (!/^[A-Za-z-]+$/.test(method))
    throw new UsageError(`--method is a method such as POST, got ${JSON.stringify(method)}`);
  const url = word.startsWith('/') ? undefined : URL.parse(word);
  return {
    method: method.toUpperCase(),
    ...(url ? { target: url.pathname + url.search, host: url.host } : { target: word }),
  };
}

/** A route, and what it does with the request. */
interface Part {
  readonly file: string;
  readonly methods: Route['methods'];
  readonly pattern: string;
  readonly reason: string;
  readonly params?: Params;
}

interface EffectPart extends Part {
  readonly outcome: Effect['outcome'];
}

/** Which route answers a request, and why the others do not. */
export interface Explanation extends ExplainedRequest {
  /** Those that do something for the request, in their order; the last one may be what answers. */
  readonly filters: readonly Part[];
  /** A filter, a route or a page of nexthop. Undefined: none of them answers. */
  readonly answers: Part | undefined;
  /** Match the path, and do not answer. */
  readonly others: readonly Part[];
  /** Code that may be expected to run, such as a guard, and whose declaration excludes the request. */
  readonly skipped: readonly Part[];
  /** Files whose name fits the path, and that are no routes. */
  readonly ignored: readonly IgnoredFile[];
  /** What answers if no route does. Undefined: what answers never passes. */
  readonly otherwise: string | undefined;
}

export interface ExplainParts {
  readonly site: Site;
  /** The fallback, e.g. `http://next-hop:80`. */
  readonly nextHop: string;
  readonly settings: PageSettings;
}

/** Explains a request by the tables of a site that answer requests; no code of the site runs. */
export function explainRequest(request: ExplainedRequest, { site, nextHop, settings }: ExplainParts): Explanation {
  const { method, target, host } = request;
  const none = { ...request, filters: [], others: [], skipped: [], ignored: [], otherwise: undefined };
  const page = describeOwnPage(settings, { target, request });
  if (page !== undefined)
    return { ...none, answers: { file: 'nexthop', methods: 'any', pattern: target, reason: page } };
  const { filters, skipped, end } = explainFilters(site, { target, request: { method, host } });
  if (filters.at(-1)?.outcome === 'answers') return { ...none, filters, answers: filters.at(-1), skipped };
  const asked: ExplainedRequest = { ...request, target: end };
  const found = site.router.find(method, end, host).flatMap((each) => toPart(each, asked, nextHop) ?? []);
  const [first, ...later] = found;
  const [path = ''] = end.split('?', 1);
  return {
    ...request,
    filters,
    answers: first,
    others: [
      ...later.map((each) => ({ ...each, reason: toLater(each, first) })),
      ...findOtherMethods(site, asked).map((each) => describe(each, `does not answer ${method}`)),
    ],
    skipped: [...skipped, ...findExcluding(site, asked)],
    ignored: site.ignored.filter(({ file }) => isNamedAfter(file, path)),
    otherwise: first?.outcome === 'answers' ? undefined : toOtherwise(asked, { site, nextHop }),
  };
}

const NO_PARAMS: Params = createParams();

interface FilterParts extends Pick<Explanation, 'skipped'> {
  readonly filters: readonly EffectPart[];
  /** The target of the request after them. */
  readonly end: string;
}

/** What the filters do, up to one that answers. */
function explainFilters({ filters }: Site, given: AskedRequest): FilterParts {
  const parts: EffectPart[] = [];
  const skipped: Part[] = [];
  let asked = given;
  for (const route of filters) {
    const effect = effectOf(route, asked);
    if (!effect) continue;
    const { text, outcome, target = asked.target } = effect;
    const part = describe({ route, params: NO_PARAMS }, text);
    if (outcome === 'skipped') {
      skipped.push(part);
      continue;
    }
    parts.push({ ...part, outcome });
    if (outcome === 'answers') break;
    asked = { ...asked, target };
  }
  return { filters: parts, skipped, end: asked.target };
}

function effectOf({ target }: Route, asked: AskedRequest): Effect | undefined {
  try {
    return target.describe ? target.describe(asked, NO_PARAMS) : RUNS_FIRST;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { text: `answers ${error.status}: ${error.message}`, outcome: 'answers' };
  }
}

/** Undefined: it passes the request. */
function toPart(
  candidate: Candidate,
  { method, target, host }: ExplainedRequest,
  nextHop: string,
): EffectPart | undefined {
  const { route, params } = candidate;
  const { describe: toEffect = () => ANSWERS } = route.target;
  const effect = toEffect.call(route.target, { target, request: { method, host } }, params);
  if (!effect) return undefined;
  const { text, outcome } = effect;
  if (!route.afterFallback) return { ...describe(candidate, text), outcome };
  return { ...describe(candidate, `${text}, if ${nextHop} has nothing at this path`), outcome: 'may-answer' };
}

const ANSWERS: Effect = { text: 'answers', outcome: 'answers' };

function toLater({ reason }: Part, first: Part | undefined): string {
  const passed = `gets only what ${first?.file} passes on`;
  return reason === ANSWERS.text ? passed : `${passed}; ${reason}`;
}

function describe({ route: { file, methods, pattern }, params }: Candidate, reason: string): Part {
  // A catch-all without a name is for matching only.
  const named = Object.fromEntries(Object.entries(params).filter(([name]) => name !== ''));
  return { file, methods, pattern: pattern.text, reason, ...(Object.keys(named).length > 0 && { params: named }) };
}

/** The routes that match the path, and not the method. Those of any path, such as the one for forms, say nothing about this one. */
function findOtherMethods({ routes, router }: Site, { method, target, host }: ExplainedRequest): readonly Candidate[] {
  const methods = new Set(routes.flatMap((route) => (route.methods === 'any' ? [] : route.methods)));
  methods.delete(method);
  const known = new Set(router.find(method, target, host).map(({ route }) => route));
  const others = new Map<Route, Candidate>();
  for (const other of methods) {
    for (const each of router.find(other, target, host)) {
      if (!known.has(each.route) && each.route.pattern.text.startsWith('/')) others.set(each.route, each);
    }
  }
  return [...others.values()];
}

/** The routes that have the path, but for an exception in their declaration. */
function findExcluding({ routes }: Site, { target }: ExplainedRequest): readonly Part[] {
  const path = toMatchable(target);
  if (!path) return [];
  return routes.flatMap((route) => {
    const exclusion = route.pattern.findExclusion?.(path);
    return exclusion === undefined ? [] : [describe({ route, params: NO_PARAMS }, toSkipped(exclusion).text)];
  });
}

/** Whether the last segments of a file's path, without its extension, are those of the path. */
function isNamedAfter(file: string, path: string): boolean {
  const segments = path.split('/').filter(Boolean);
  const stem = file.replace(/\.[^./]+$/, '').replace(/\/index$/, '');
  const names = stem.split('/').map((name) => name.replace(/^_/, ''));
  return segments.length > 0 && segments.every((segment, at) => names.at(at - segments.length) === segment);
}

function toOtherwise(
  { target, host }: ExplainedRequest,
  { site, nextHop }: Pick<ExplainParts, 'site' | 'nextHop'>,
): string {
  if (!toMatchable(target)) return `${nextHop}: the path can be read in several ways, so it matches no route`;
  if (site.router.find('GET', target, host).length > 0) return nextHop;
  const nearest = findNearestPath(target, site);
  return nearest === undefined ? nextHop : `${nextHop}; did you mean ${nearest}?`;
}

function findNearestPath(target: string, { routes }: Pick<Site, 'routes'>): string | undefined {
  const [path = ''] = target.split('?', 1);
  const literals = routes.flatMap(({ pattern }) => (/^\/[^:*]*$/.test(pattern.text) ? [pattern.text] : []));
  const nearest = nearestWord(path, literals);
  return nearest === path ? undefined : nearest;
}

/** Why no route answered the request, in sentences for the page about a next hop that does not answer. */
export function explainMissing(request: ExplainedRequest, parts: ExplainParts): readonly string[] {
  const { others, ignored } = explainRequest(request, parts);
  const nearest = others.length > 0 ? undefined : findNearestPath(request.target, parts.site);
  return [
    ...others.map(
      ({ file, methods }) => `${file} has this path, and does not answer ${request.method}, only ${methods}.`,
    ),
    ...ignored.map(({ file, reason }) => `${file} is no route: ${reason}.`),
    ...(nearest === undefined ? [] : [`Did you mean ${nearest}?`]),
  ];
}

/** The explanation for people, line by line. */
export function toExplanationLines(explanation: Explanation): readonly string[] {
  const { method, target, filters, answers, others, skipped, ignored, otherwise } = explanation;
  const isFilter = answers !== undefined && filters.includes(answers);
  const rows = [...filters, ...(answers && !isFilter ? [answers] : []), ...others, ...skipped].map(toRow);
  const rest = [
    ...ignored.map(({ file, reason }) => [file, '', `is no route: ${reason}`]),
    ...(otherwise === undefined ? [] : [['the next hop', '', `${answers ? 'gets it else' : 'gets it'}: ${otherwise}`]]),
  ];
  return [`${inOneLine(method)} ${inOneLine(target)}`, '', ...align([...rows, ...rest])];
}

function toRow({ file, methods, pattern, reason, params = {} }: Part): readonly string[] {
  const values = Object.entries(params).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const spelt = methods === 'any' ? 'any' : methods.join(',');
  return [file, `${spelt} ${pattern}`, [reason, ...(values.length > 0 ? [`with ${values.join(' ')}`] : [])].join(' ')];
}
