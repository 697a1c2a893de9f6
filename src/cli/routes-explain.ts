import { existsSync } from 'node:fs';
import type { IgnoredFile } from '../contract/dialect.ts';
import { nearestWord } from '../contract/nearest-word.ts';
import { toMatchable } from '../contract/path.ts';
import type { Candidate, Route } from '../contract/route.ts';
import type { Params } from '../contract/target.ts';
import type { Site } from '../site/site.ts';
import { align, inOneLine } from './align.ts';
import { UsageError } from './usage-error.ts';

/** The request that is explained. */
export interface ExplainedRequest {
  readonly method: string;
  /** In origin-form. */
  readonly target: string;
}

/** Whether a word is a path or a URL to explain; an absolute path of a folder is a site. */
export function isRequestWord(word: string): boolean {
  return /^https?:\/\//.test(word) || (word.startsWith('/') && !existsSync(word));
}

/** Undefined if no path is given. Throws a UsageError for what is no request. */
export function toRequest(words: readonly string[], method = 'GET'): ExplainedRequest | undefined {
  const [word, extra] = words;
  if (extra !== undefined) throw new UsageError(`one path at a time, got ${JSON.stringify(extra)} too`);
  if (word === undefined) return undefined;
  if (!/^[A-Za-z-]+$/.test(method))
    throw new UsageError(`--method is a method such as POST, got ${JSON.stringify(method)}`);
  const url = word.startsWith('/') ? undefined : URL.parse(word);
  return { method: method.toUpperCase(), target: url ? url.pathname + url.search : word };
}

/** A route, and what it does with the request. */
interface Part {
  readonly file: string;
  readonly methods: Route['methods'];
  readonly pattern: string;
  readonly reason: string;
  readonly params?: Params;
}

/** Which route answers a request, and why the others do not. */
export interface Explanation extends ExplainedRequest {
  /** Run before; each may answer, or change the request. */
  readonly filters: readonly Part[];
  /** Undefined: no route answers. */
  readonly answers: Part | undefined;
  /** Match the path, and do not answer. */
  readonly others: readonly Part[];
  /** Files whose name fits the path, and that are no routes. */
  readonly ignored: readonly IgnoredFile[];
  /** What answers if no route does. */
  readonly otherwise: string;
}

export interface ExplainParts {
  readonly site: Site;
  /** The fallback, e.g. `http://next-hop:80`. */
  readonly nextHop: string;
}

/** Explains a request by the routes of a site; no code of the site runs. */
export function explainRequest(request: ExplainedRequest, { site, nextHop }: ExplainParts): Explanation {
  const { method, target } = request;
  const found = site.router.find(method, target);
  const [first, ...later] = found;
  const [path = ''] = target.split('?', 1);
  return {
    ...request,
    filters: site.filters.map((route) =>
      toPart({ route, params: {} }, 'runs first: may answer, or change the request'),
    ),
    answers: first && toPart(first, toReason(first.route, nextHop)),
    others: [
      ...later.map((each) => toPart(each, `gets only what ${first?.route.file} passes on`)),
      ...findOtherMethods(site, request).map((each) => toPart(each, `does not answer ${method}`)),
    ],
    ignored: site.ignored.filter(({ file }) => isNamedAfter(file, path)),
    otherwise: toOtherwise(request, { site, nextHop }),
  };
}

function toReason({ afterFallback, step }: Route, nextHop: string): string {
  if (afterFallback) return `answers, if ${nextHop} has nothing at this path`;
  return step >= 6 ? 'answers, if the conditions of its rule hold' : 'answers';
}

function toPart({ route, params }: Candidate, reason: string): Part {
  const { file, methods, pattern } = route;
  const isEmpty = Object.keys(params).length === 0;
  return { file, methods, pattern: pattern.text, reason, ...(!isEmpty && { params }) };
}

/** The routes that match the path, and not the method. */
function findOtherMethods({ routes, router }: Site, { method, target }: ExplainedRequest): readonly Candidate[] {
  const methods = new Set(routes.flatMap((route) => (route.methods === 'any' ? [] : route.methods)));
  methods.delete(method);
  const known = new Set(router.find(method, target).map(({ route }) => route));
  const others = new Map<Route, Candidate>();
  for (const other of methods) {
    for (const each of router.find(other, target)) if (!known.has(each.route)) others.set(each.route, each);
  }
  return [...others.values()];
}

/** Whether the last segments of a file's path, without its extension, are those of the path. */
function isNamedAfter(file: string, path: string): boolean {
  const segments = path.split('/').filter(Boolean);
  const stem = file.replace(/\.[^./]+$/, '').replace(/\/index$/, '');
  const names = stem.split('/').map((name) => name.replace(/^_/, ''));
  return segments.length > 0 && segments.every((segment, at) => names.at(at - segments.length) === segment);
}

function toOtherwise({ target }: ExplainedRequest, { site, nextHop }: ExplainParts): string {
  if (!toMatchable(target)) return `${nextHop}: the path can be read in several ways, so it matches no route`;
  if (site.router.find('GET', target).length > 0) return nextHop;
  const [path = ''] = target.split('?', 1);
  const literals = site.routes.flatMap(({ pattern }) => (/[:*]/.test(pattern.text) ? [] : [pattern.text]));
  const nearest = nearestWord(path, literals);
  return nearest === undefined || nearest === path ? nextHop : `${nextHop}; did you mean ${nearest}?`;
}

/** The explanation for people, line by line. */
export function toExplanationLines(explanation: Explanation): readonly string[] {
  const { method, target, filters, answers, others, ignored, otherwise } = explanation;
  const rows = [...filters, ...(answers ? [answers] : []), ...others].map(toRow);
  const rest = [
    ...ignored.map(({ file, reason }) => [file, '', `is no route: ${reason}`]),
    ...(answers && !answers.reason.includes(', if ')
      ? []
      : [['the next hop', '', `${answers ? 'gets it else' : 'gets it'}: ${otherwise}`]]),
  ];
  return [`${inOneLine(method)} ${inOneLine(target)}`, '', ...align([...rows, ...rest])];
}

function toRow({ file, methods, pattern, reason, params = {} }: Part): readonly string[] {
  const values = Object.entries(params).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const spelt = methods === 'any' ? 'any' : methods.join(',');
  return [file, `${spelt} ${pattern}`, [reason, ...(values.length > 0 ? [`with ${values.join(' ')}`] : [])].join(' ')];
}
