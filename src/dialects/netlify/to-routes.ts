import type { MatchablePath } from '../../contract/path.ts';
import type { Pattern, PatternSegment } from '../../contract/pattern.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Route } from '../../contract/route.ts';
import { createParams, type Params, type Target } from '../../contract/target.ts';
import { describeLimit } from './config/rate-limit.ts';
import type { Declaration } from './find/declaration.ts';
import { toPattern } from './find/to-pattern.ts';

export interface FunctionRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/**
 * The routes of one function: its own paths, or else its default URL with all paths below it.
 * `toTarget` creates the target for a path as it is written in `config`, or for the default URL if
 * its argument is undefined. The first of the paths that matches is used, as on the platform.
 * `excludedPath` applies to all paths.
 */
export function toRoutes(declaration: Declaration, toTarget: (path: string | undefined) => Target): FunctionRoutes {
  return new Routing(declaration, toTarget).toRoutes();
}

/** Matches a path: right params, or undefined if it does not match. */
type Matcher = (path: MatchablePath) => Params | undefined;

/**
 * The first segment after `/.netlify/` of default URLs. No path of a function may be in the folders
 * that the platform reserves.
 */
const DEFAULT_FOLDERS = ['functions', 'builders'] as const;
const RESERVED = /^\/\.netlify\/(?:functions|builders|images)(?:\/|$)/;
const isReserved: Matcher = ({ text }) => (RESERVED.test(text) ? {} : undefined);

/**
 * Order within a step: functions of the user before generated ones; functions that name methods
 * before functions for any method.
 */
const RANKS = { generated: 2, anyMethod: 1 } as const;

class Routing {
  readonly #declaration: Declaration;
  readonly #toTarget: (path: string | undefined) => Target;
  readonly #problems: Problem[] = [];
  readonly #excluded: Pattern[] = [];

  constructor(declaration: Declaration, toTarget: (path: string | undefined) => Target) {
    this.#declaration = declaration;
    this.#toTarget = toTarget;
  }

  toRoutes(): FunctionRoutes {
    const { paths, excludedPaths } = this.#declaration.config;
    this.#excluded.push(...this.#toPatterns(excludedPaths, 'excludedPath'));
    const isSafe = this.#problems.length === 0;
    const routes = paths.length > 0 ? this.#toOwn(this.#toPatterns(paths, 'path')) : this.#toDefaults();
    // Without an invalid `excludedPath` the function would receive requests that it must not have.
    return { routes: isSafe ? routes : [], problems: this.#problems };
  }

  #toPatterns(paths: readonly string[], key: string): readonly Pattern[] {
    return paths.flatMap((path) => {
      const pattern = toPattern(path);
      if (typeof pattern !== 'string') return [pattern];
      const lost = key === 'path' ? 'the path is not served' : 'the function gets no URL';
      this.#report('error', `${key} ${pattern}; ${lost}`);
      return [];
    });
  }

  #toOwn(patterns: readonly Pattern[]): readonly Route[] {
    const { methods, preferStatic } = this.#declaration.config;
    const routes: Route[] = [];
    const earlier: Pattern[] = [];
    for (const pattern of patterns) {
      if (!pattern.match && RESERVED.test(pattern.text)) {
        this.#report(
          'warning',
          `path ${JSON.stringify(pattern.text)} is reserved by the platform and cannot be served by a function`,
        );
        continue;
      }
      // The same path was listed before, with or without a slash at its end.
      if (!pattern.match && earlier.some((other) => !other.match && mayOverlap(pattern, other))) continue;
      const narrowed = withoutPaths(
        pattern,
        [...this.#excluded, ...earlier].filter((other) => mayOverlap(pattern, other)),
      );
      earlier.push(pattern);
      routes.push({
        ...this.#toDescription(methods),
        pattern: this.#excluded.length === 0 ? narrowed : this.#withExclusion(narrowed, pattern),
        target: this.#toTarget(pattern.text),
        step: preferStatic ? 4 : 2,
        ...(preferStatic && { afterFallback: true }),
        rank: this.#rank(),
        anyCase: true,
      });
    }
    return routes;
  }

  #withExclusion(narrowed: Pattern, whole: Pattern): Pattern {
    const matches = toMatcher(whole);
    const excluded = this.#excluded.map((each) => ({
      text: each.text,
      excludes: toMatcher(each),
    }));
    const findExclusion = (path: MatchablePath): string | undefined => {
      const found = matches(path) && excluded.find(({ excludes }) => excludes(path));
      return found && `its excludedPath is ${found.text}`;
    };
    return { ...narrowed, findExclusion };
  }

  /** Lambda-compatible functions also have a URL below `/.netlify/builders/`. */
  #toDefaults(): readonly Route[] {
    const { name, generation, config } = this.#declaration;
    // The response of a background function is discarded, so it cannot be a builder.
    const folders = generation === 'lambda' && !config.background ? DEFAULT_FOLDERS : DEFAULT_FOLDERS.slice(0, 1);
    return folders.map((folder) => ({
      ...this.#toDescription(config.methods),
      pattern: toDefaultPattern(folder, name),
      target: this.#toTarget(undefined),
      step: 2,
      rank: this.#rank(),
    }));
  }

  #toDescription(methods: Route['methods']): Omit<Route, 'pattern' | 'target' | 'step'> {
    const { file, generation, config } = this.#declaration;
    const name = config.displayName && JSON.stringify(config.displayName);
    const except = config.excludedPaths.length > 0 && `not ${config.excludedPaths.join(' ')}`;
    const rule = config.rateLimit === 'wrong' ? undefined : config.rateLimit;
    const limit = config.rateLimit === 'wrong' ? 'closed' : rule && describeLimit(rule);
    const isScheduled = config.schedule !== undefined;
    const kind = isScheduled ? 'scheduled: no URL in production' : config.background && 'background';
    const labels = [generation === 'lambda' ? 'Lambda' : 'modern', kind, name, limit, except];
    const about = labels.filter(Boolean).join(', ');
    // All paths of a function share its rule, and so one count.
    return {
      ...{ methods, dialect: 'netlify', file, about },
      ...(rule && { limit: { rule } }),
      ...(isScheduled && { isForDevelopment: true }),
    };
  }

  #rank(): number {
    const { generated, config } = this.#declaration;
    return (generated ? RANKS.generated : 0) + (config.methods === 'any' ? RANKS.anyMethod : 0);
  }

  #report(severity: Problem['severity'], message: string): void {
    this.#problems.push({ severity, file: this.#declaration.file, message });
  }
}

/**
 * Matches what the pattern matches, except paths that match one of `others` or that the platform
 * reserves.
 */
function withoutPaths(pattern: Pattern, others: readonly Pattern[]): Pattern {
  const excluded = others.map(toMatcher);
  if (pattern.match && mayOverlap(pattern, PLATFORM)) excluded.push(isReserved);
  if (excluded.length === 0) return pattern;
  const matches = toMatcher(pattern);
  return { ...pattern, match: (path) => (excluded.some((excludes) => excludes(path)) ? undefined : matches(path)) };
}

const REST: PatternSegment = { kind: 'catch-all', name: '', orNone: true };
const PLATFORM: Pattern = { text: '/.netlify/*', segments: [{ kind: 'literal', text: '.netlify' }, REST] };

const NO_PARAMS: Params = Object.freeze(createParams<string>());

/** Also matches all paths below. */
function toDefaultPattern(folder: (typeof DEFAULT_FOLDERS)[number], name: string): Pattern {
  const texts = ['.netlify', folder, name];
  const segments = texts.map((text): PatternSegment => ({ kind: 'literal', text }));
  return { text: `/${texts.join('/')}`, segments: [...segments, REST], match: () => NO_PARAMS };
}

/**
 * Creates a matcher that matches the same paths as the router does for this pattern. The pattern
 * must come from `toPattern`.
 */
function toMatcher({ match, segments }: Pattern): Matcher {
  if (match) return match;
  const text = `/${segments.map((segment) => (segment.kind === 'literal' ? segment.text : '')).join('/')}`;
  return (path) => (path.text === text ? NO_PARAMS : undefined);
}

/** False if, by their segments, no path can match both patterns. */
function mayOverlap(one: Pattern, other: Pattern): boolean {
  for (let index = 0; ; index++) {
    const [left, right] = [one.segments[index], other.segments[index]];
    if (left?.kind === 'catch-all' || right?.kind === 'catch-all') return true;
    if (!left || !right) return left === right;
    if (left.kind === 'literal' && right.kind === 'literal' && left.text !== right.text) return false;
  }
}
