import { type MatchablePath, toMatchable } from '../contract/path.ts';
import type { Candidate, Route, Router, Step } from '../contract/route.ts';
import { createParams, type Params } from '../contract/target.ts';
import { inOrder } from './order.ts';
import { Trie } from './trie.ts';

/** Compiles routes. Their given order counts only if nothing else decides (see `inOrder`). */
export function createRouter(routes: readonly Route[]): Router {
  const ordered = inOrder(routes);
  const anyCase = ordered.filter((route) => route.anyCase);
  const asWritten = new Index(ordered);
  return anyCase.length > 0 ? new AnyCaseRouter(asWritten, new Index(anyCase)) : new PlainRouter(asWritten);
}

const NONE: readonly RankedCandidate[] = Object.freeze([]);

class PlainRouter implements Router {
  readonly #index: Index;

  constructor(index: Index) {
    this.#index = index;
  }

  find(method: string, target: string, host?: string): readonly Candidate[] {
    const path = this.#index.isEmpty ? undefined : toMatchable(target);
    return path ? this.#index.find(method, path, host) : NONE;
  }
}

/** The first step of the routes that answer what no other route does. */
const RULES: Step = 6;

/** For sites with routes that ignore case. */
class AnyCaseRouter implements Router {
  readonly #asWritten: Index;
  readonly #anyCase: Index;

  constructor(asWritten: Index, anyCase: Index) {
    this.#asWritten = asWritten;
    this.#anyCase = anyCase;
  }

  find(method: string, target: string, host?: string): readonly Candidate[] {
    const path = toMatchable(target);
    if (!path) return NONE;
    const found = this.#asWritten.find(method, path, host);
    // Rules of a site may match every path; they answer when no other route does, in any case.
    if (found.some(({ route }) => route.step < RULES)) return found;
    const lowered = path.inLowerCase();
    const foundLowered = lowered ? this.#anyCase.find(method, lowered, host) : NONE;
    return found.length === 0 ? foundLowered : [...foundLowered, ...found];
  }
}

/** Shared by all literal routes, so it must never be changed. */
const NO_PARAMS: Params = Object.freeze(createParams<string>());

interface Ranked {
  readonly rank: number;
  readonly route: Route;
}

/** Routes by their hosts, and then by their patterns. */
class Index {
  readonly isEmpty: boolean;
  readonly #ofAnyHost = new Table();
  /** Undefined if no pattern has a host. */
  #byHost: Map<string, Table> | undefined;

  constructor(ordered: readonly Route[]) {
    this.isEmpty = ordered.length === 0;
    for (const [rank, route] of ordered.entries()) this.#tableOf(route.pattern.host).add(rank, route);
  }

  find(method: string, path: MatchablePath, host: string | undefined): readonly Candidate[] {
    const found = this.#ofAnyHost.find(method, path);
    if (!this.#byHost) return found;
    const own = host === undefined ? undefined : this.#byHost.get(host.toLowerCase().replace(/:\d*$/, ''));
    if (host !== undefined && !own) return found;
    const tables = own ? [own] : [...this.#byHost.values()];
    return [found, ...tables.map((table) => table.find(method, path))].flat().sort(compareRanks);
  }

  #tableOf(host: string | undefined): Table {
    if (host === undefined) return this.#ofAnyHost;
    this.#byHost ??= new Map();
    const table = this.#byHost.get(host) ?? new Table();
    this.#byHost.set(host, table);
    return table;
  }
}

type RankedCandidate = Candidate & Ranked;

function compareRanks(left: RankedCandidate, right: RankedCandidate): number {
  return left.rank - right.rank;
}

/** Routes by their patterns. */
class Table {
  /** By path, each list in the order in which the routes are tried. */
  readonly #literals = new Map<string, LiteralCandidate[]>();
  /** Undefined if all patterns are literal: then no path has to be split. */
  #patterns: Trie<Ranked> | undefined;

  find(method: string, path: MatchablePath): readonly RankedCandidate[] {
    const literals = this.#literals.get(path.text);
    const patterns = this.#patterns?.collect(path.segments);
    if (!patterns) return literals ? accepting(literals, method) : NONE;
    return merge({ literals, patterns, method, path });
  }

  add(rank: number, route: Route): void {
    const path = literalPath(route);
    if (path === undefined) {
      this.#patterns ??= new Trie();
      this.#patterns.add(route.pattern.segments, { rank, route });
      return;
    }
    const candidates = this.#literals.get(path) ?? [];
    candidates.push(new LiteralCandidate(rank, route));
    this.#literals.set(path, candidates);
  }
}

/** Created once for each route and returned for every request. */
class LiteralCandidate implements Candidate, Ranked {
  readonly rank: number;
  readonly route: Route;
  readonly params = NO_PARAMS;

  constructor(rank: number, route: Route) {
    this.rank = rank;
    this.route = route;
  }
}

/** Computes its params on first use: most candidates after the first one are never tried. */
class PatternCandidate implements Candidate, Ranked {
  readonly rank: number;
  readonly route: Route;
  readonly #path: MatchablePath;
  #params: Params | undefined;

  constructor({ rank, route }: Ranked, path: MatchablePath) {
    this.rank = rank;
    this.route = route;
    this.#path = path;
  }

  get params(): Params {
    this.#params ??= toParams(this.route, this.#path);
    return this.#params;
  }
}

/** The path of a literal pattern; undefined for a pattern with params or `match`. */
function literalPath({ pattern }: Route): string | undefined {
  if (pattern.match) return undefined;
  let path = '';
  for (const segment of pattern.segments) {
    if (segment.kind !== 'literal') return undefined;
    path += `/${segment.text}`;
  }
  return path || '/';
}

function accepting(candidates: readonly LiteralCandidate[], method: string): readonly RankedCandidate[] {
  if (candidates.every(({ route }) => accepts(route, method))) return candidates;
  const accepted = candidates.filter(({ route }) => accepts(route, method));
  return accepted.length > 0 ? accepted : NONE;
}

function accepts({ methods }: Route, method: string): boolean {
  return methods === 'any' || methods.includes(method);
}

interface Matches {
  readonly literals: readonly LiteralCandidate[] | undefined;
  readonly patterns: readonly Ranked[];
  readonly method: string;
  readonly path: MatchablePath;
}

function merge({ literals = [], patterns, method, path }: Matches): readonly RankedCandidate[] {
  const candidates: RankedCandidate[] = literals.filter(({ route }) => accepts(route, method));
  for (const ranked of patterns) {
    if (!accepts(ranked.route, method)) continue;
    const candidate = ranked.route.pattern.match ? toMatched(ranked, path) : new PatternCandidate(ranked, path);
    if (candidate) candidates.push(candidate);
  }
  return candidates.length === 0 ? NONE : candidates.sort(compareRanks);
}

/** For a pattern with its own `match`. */
function toMatched({ rank, route }: Ranked, path: MatchablePath): RankedCandidate | undefined {
  const params = route.pattern.match?.(path);
  return params && { rank, route, params };
}

function toParams({ pattern }: Route, path: MatchablePath): Params {
  const params = createParams<string | readonly string[]>();
  for (const [index, segment] of pattern.segments.entries()) {
    if (segment.kind === 'param') params[segment.name] = path.segments[index] ?? '';
    if (segment.kind === 'catch-all') params[segment.name] = path.rawSegments.slice(index);
  }
  return params;
}
