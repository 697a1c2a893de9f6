import type { Pattern, PatternSegment } from '../../contract/pattern.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Route } from '../../contract/route.ts';
import type { Params, Target } from '../../contract/target.ts';
import type { Declaration } from './find/declaration.ts';
import { type Fit, mayMeet, toFit } from './find/pattern-fit.ts';
import { toPattern } from './find/to-pattern.ts';

export interface FunctionRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/**
 * The routes of one function: its own paths, else its default URL with whatever stands below. `toTarget` makes what answers under a path as it is written,
 * undefined for the default URL. Of the function's paths the first that fits counts, as on the platform, and `excludedPath` is about all of them.
 */
export function toRoutes(declaration: Declaration, toTarget: (path: string | undefined) => Target): FunctionRoutes {
  return new Routing(declaration, toTarget).toRoutes();
}

/** Of what the platform keeps for itself nothing is a function's own path. */
const DEFAULTS = ['functions', 'builders'] as const;
const RESERVED = /^\/\.netlify\/(?:functions|builders|images)(?:\/|$)/;
const isReserved: Fit = ({ text }) => (RESERVED.test(text) ? {} : undefined);

/** Inside their step: the user's functions before generated ones, those that name the method before those that take any. */
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
    // Without a path that it was told to leave alone it would take what it must not have.
    return { routes: isSafe ? routes : [], problems: this.#problems };
  }

  #toPatterns(paths: readonly string[], key: string): readonly Pattern[] {
    return paths.flatMap((path) => {
      const pattern = toPattern(path);
      if (typeof pattern !== 'string') return [pattern];
      const lost = key === 'path' ? 'the path is not served' : 'the function is not reached';
      this.#tell('error', `${key} ${pattern}; ${lost}`);
      return [];
    });
  }

  #toOwn(patterns: readonly Pattern[]): readonly Route[] {
    const { methods, preferStatic } = this.#declaration.config;
    const routes: Route[] = [];
    const earlier: Pattern[] = [];
    for (const pattern of patterns) {
      if (!pattern.match && RESERVED.test(pattern.text)) {
        this.#tell(
          'warning',
          `path ${JSON.stringify(pattern.text)} is the platform's own, and not served by a function`,
        );
        continue;
      }
      // The same path again, with a slash at its end.
      if (!pattern.match && earlier.some((other) => !other.match && mayMeet(pattern, other))) continue;
      const narrowed = withoutPaths(
        pattern,
        [...this.#excluded, ...earlier].filter((other) => mayMeet(pattern, other)),
      );
      earlier.push(pattern);
      routes.push({
        ...this.#whatAll(methods),
        pattern: narrowed,
        target: this.#toTarget(pattern.text),
        step: preferStatic ? 4 : 2,
        ...(preferStatic && { afterFallback: true }),
        rank: this.#rank(),
        anyCase: true,
      });
    }
    return routes;
  }

  /** That of builders, which are Lambda-compatible alone, has its own place beside the others. */
  #toDefaults(): readonly Route[] {
    const { name, generation, config } = this.#declaration;
    // Nobody waits for the answer of a background function, so that it builds none.
    const places = generation === 'lambda' && !config.background ? DEFAULTS : DEFAULTS.slice(0, 1);
    return places.map((place) => ({
      ...this.#whatAll(config.methods),
      pattern: toDefaultPattern(place, name),
      target: this.#toTarget(undefined),
      step: 2,
      rank: this.#rank(),
    }));
  }

  #whatAll(methods: Route['methods']): Pick<Route, 'methods' | 'dialect' | 'file' | 'about'> {
    const { file, generation, config } = this.#declaration;
    const name = config.displayName && JSON.stringify(config.displayName);
    const words = [generation === 'lambda' ? 'Lambda' : 'modern', config.background && 'background', name];
    return { methods, dialect: 'netlify', file, about: words.filter(Boolean).join(', ') };
  }

  #rank(): number {
    const { generated, config } = this.#declaration;
    return (generated ? RANKS.generated : 0) + (config.methods === 'any' ? RANKS.anyMethod : 0);
  }

  #tell(severity: Problem['severity'], message: string): void {
    this.#problems.push({ severity, file: this.#declaration.file, message });
  }
}

/** Takes what the pattern takes, but for what fits one of the others or is the platform's own. */
function withoutPaths(pattern: Pattern, others: readonly Pattern[]): Pattern {
  const excluded = others.map(toFit);
  if (pattern.match && mayMeet(pattern, PLATFORM)) excluded.push(isReserved);
  if (excluded.length === 0) return pattern;
  const fits = toFit(pattern);
  return { ...pattern, match: (path) => (excluded.some((excludes) => excludes(path)) ? undefined : fits(path)) };
}

const REST: PatternSegment = { kind: 'catch-all', name: '', orNone: true };
const PLATFORM: Pattern = { text: '/.netlify/*', segments: [{ kind: 'literal', text: '.netlify' }, REST] };

const NO_PARAMS: Params = Object.freeze(Object.create(null));

/** Takes all that stands below, too. */
function toDefaultPattern(place: (typeof DEFAULTS)[number], name: string): Pattern {
  const texts = ['.netlify', place, name];
  const segments = texts.map((text): PatternSegment => ({ kind: 'literal', text }));
  return { text: `/${texts.join('/')}`, segments: [...segments, REST], match: () => NO_PARAMS };
}
