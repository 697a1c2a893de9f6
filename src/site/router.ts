import type { Route } from '../dialects/dialect.ts';
import type { Params } from '../target.ts';
import { inOrder } from './order.ts';
import { type MatchablePath, toMatchable } from './path.ts';
import { Trie } from './trie.ts';

/** A route that may answer, with what its pattern took from the path. */
export interface Candidate {
  readonly route: Route;
  readonly params: Params;
}

/** Finds who may answer. Everything is compiled when it is made; a lookup costs the same for ten routes and ten thousand. */
export interface Router {
  /** The routes that fit, first to be asked first. `target` is the raw request target; never throws, whatever it is. */
  find(method: string, target: string): readonly Candidate[];
}

/** The order of `routes` counts only where nothing else decides (see `inOrder`). */
export function createRouter(routes: readonly Route[]): Router {
  return new CompiledRouter(inOrder(routes));
}

const NONE: readonly Candidate[] = Object.freeze([]);

/** Shared by every literal route, so that it must not be written to. */
const NO_PARAMS: Params = Object.freeze(Object.create(null));

interface Ranked {
  readonly rank: number;
  readonly route: Route;
}

class CompiledRouter implements Router {
  /** By path, each list in order. */
  readonly #literals = new Map<string, LiteralCandidate[]>();
  /** Undefined in a site of literal paths alone, where no path need be split. */
  #patterns: Trie<Ranked> | undefined;
  readonly #empty: boolean;

  constructor(ordered: readonly Route[]) {
    this.#empty = ordered.length === 0;
    for (const [rank, route] of ordered.entries()) this.#add(rank, route);
  }

  find(method: string, target: string): readonly Candidate[] {
    const path = this.#empty ? undefined : toMatchable(target);
    if (!path) return NONE;
    const literals = this.#literals.get(path.text);
    const patterns = this.#patterns?.collect(path.segments);
    if (!patterns) return literals ? accepting(literals, method) : NONE;
    return merge({ literals, patterns, method, path });
  }

  #add(rank: number, route: Route): void {
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

/** Made once for each route and handed out for every request. */
class LiteralCandidate implements Candidate, Ranked {
  readonly rank: number;
  readonly route: Route;
  readonly params = NO_PARAMS;

  constructor(rank: number, route: Route) {
    this.rank = rank;
    this.route = route;
  }
}

/** Takes its params from the path when they are asked for: most candidates behind the first never are. */
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

/** Undefined for a route whose pattern takes something from the path. */
function literalPath({ pattern }: Route): string | undefined {
  let path = '';
  for (const segment of pattern.segments) {
    if (segment.kind !== 'literal') return undefined;
    path += `/${segment.text}`;
  }
  return path || '/';
}

function accepting(candidates: readonly Candidate[], method: string): readonly Candidate[] {
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

function merge({ literals = [], patterns, method, path }: Matches): readonly Candidate[] {
  const candidates: (Candidate & Ranked)[] = literals.filter(({ route }) => accepts(route, method));
  for (const ranked of patterns) {
    if (accepts(ranked.route, method)) candidates.push(new PatternCandidate(ranked, path));
  }
  if (candidates.length === 0) return NONE;
  return candidates.sort((left, right) => left.rank - right.rank);
}

/** Without a prototype, so that a parameter may have any name and a function sees only what the path gave. */
function toParams({ pattern }: Route, path: MatchablePath): Params {
  const params: Record<string, string | readonly string[]> = Object.create(null);
  for (const [index, segment] of pattern.segments.entries()) {
    if (segment.kind === 'param') params[segment.name] = path.segments[index] ?? '';
    if (segment.kind === 'catch-all') params[segment.name] = path.rawSegments.slice(index);
  }
  return params;
}
