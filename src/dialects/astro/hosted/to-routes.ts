import type { Pattern, PatternSegment } from '../../../contract/pattern.ts';
import type { Route } from '../../../contract/route.ts';
import type { Params, Target } from '../../../contract/target.ts';
import { UnreadyTarget } from '../../loader/unready-target.ts';
import { unroutableRoute } from '../own/unroutable.ts';
import { AstroTarget, type AstroTargetParts } from './astro-target.ts';
import type { HostedBuild } from './handler-call.ts';
import type { Manifest, SegmentPart } from './manifest.ts';
import { type Fit, onDemandRoutes } from './on-demand.ts';
import type { FoundBuild } from './read-build.ts';

export interface RoutesParts {
  readonly found: FoundBuild;
  /** The entry, relative to the site. */
  readonly file: string;
  /** The build answers every path below its base that nothing else answers (ASTRO_OWNS_404). */
  readonly ownsNotFound: boolean;
}

/** Creates the target for one role. */
type ToTarget = (role: AstroTargetParts['role'], fails?: AstroTargetParts['fails']) => Target;

/**
 * The routes of a build: those of its manifest, so that other requests do not reach it. Without a
 * manifest it gets every request below its base.
 */
export function toRoutes(parts: RoutesParts, build: HostedBuild): readonly Route[] {
  const toTarget: ToTarget = (role, fails) => new AstroTarget({ build, role, ...(fails && { fails }) });
  const routes = routesFor(parts, toTarget);
  return hasAfterFallback(parts, build) ? [...routes, afterFallbackRoute(parts, toTarget)] : routes;
}

/**
 * The same routes for a build that could not be imported: they answer 500, and no other target
 * answers them.
 */
export function toUnreadyRoutes(parts: RoutesParts, cause: unknown): readonly Route[] {
  return routesFor(parts, () => new UnreadyTarget(parts.file, cause));
}

function routesFor({ found, file, ownsNotFound }: RoutesParts, toTarget: ToTarget): readonly Route[] {
  const { manifest, looksPastPrerendered } = found;
  const routes: Route[] = [];
  const added = new Set<string>();
  const add = (pattern: Pattern, target: Target, step: Route['step'] = 5): void => {
    // The rank keeps Astro's order, which does not follow from the patterns.
    routes.push({ pattern, methods: 'any', target, step, rank: routes.length, dialect: 'astro', file });
  };
  const isKnown = manifest !== undefined && !manifest.hasDomains;
  if (isKnown) {
    const target = toTarget('route');
    for (const { route, fits } of onDemandRoutes(manifest, looksPastPrerendered)) {
      // Astro 5 writes each redirect twice.
      if (added.has(route.route)) continue;
      added.add(route.route);
      add(
        toPattern(manifest.base, route.segments, (path) => toParams(fits(path))),
        target,
      );
    }
  }
  if (ownsNotFound) {
    const target = toTarget('not-found', toFails(found));
    add(everything(manifest), target, isKnown ? 7 : 5);
    routes.push(unroutableRoute({ base: manifest?.base ?? '', target, file }));
  } else if (!isKnown) add(everything(manifest), toTarget('unknown'));
  return routes;
}

/**
 * Whether the site's middleware may answer after the fallback. A standalone build that gets every
 * request has already run its middleware before the next hop gets it.
 */
function hasAfterFallback({ found, ownsNotFound }: RoutesParts, { mode }: HostedBuild): boolean {
  const { manifest, unmatchedMethods } = found;
  return unmatchedMethods.length > 0 && !ownsNotFound && (mode === 'middleware' || manifest?.hasDomains === false);
}

function afterFallbackRoute({ found, file }: RoutesParts, toTarget: ToTarget): Route {
  const base = found.manifest?.base ?? '';
  return {
    // The name differs from a catch-all of the site, so that the two are not reported as a
    // conflict.
    pattern: toPattern(base, [[{ content: '...not-found', dynamic: true, spread: true }]], () => NO_PARAMS),
    methods: found.unmatchedMethods,
    target: toTarget('after-fallback', toFails(found)),
    step: 7,
    afterFallback: true,
    dialect: 'astro',
    file,
    about: 'middleware of the site',
  };
}

const NO_PARAMS: Params = Object.freeze({});

/**
 * Astro reads the parameters of its routes itself. `location` says that the page is at another
 * path.
 */
function toParams(fit: Fit | undefined): Params | undefined {
  return fit && (fit.location === undefined ? NO_PARAMS : { location: fit.location });
}

function everything(manifest: Manifest | undefined): Pattern {
  return toPattern(manifest?.base ?? '', [[{ content: '...rest', dynamic: true, spread: true }]]);
}

/**
 * Paths of prerendered routes: before @astrojs/node 11, Astro tries to render one that has no file,
 * and throws.
 */
function toFails({ manifest, looksPastPrerendered }: FoundBuild): AstroTargetParts['fails'] {
  if (looksPastPrerendered || !manifest || manifest.hasDomains) return undefined;
  const all = manifest.routes.flatMap((each) => [each, ...each.fallbackRoutes]);
  const prerendered = all.filter(({ isPrerendered }) => isPrerendered);
  return (ownPath) => prerendered.some(({ pattern }) => pattern.test(ownPath));
}

/**
 * Converts the segments of an Astro route to a pattern below the base. `match` makes the final
 * decision: a segment of Astro may be narrower than one of nexthop.
 */
export function toPattern(
  base: string,
  segments: readonly (readonly SegmentPart[])[],
  match?: NonNullable<Pattern['match']>,
): Pattern {
  const texts = base.split('/').filter((text) => text !== '');
  const inBase = texts.map((text): PatternSegment => ({ kind: 'literal', text }));
  const own: PatternSegment[] = [];
  for (const parts of segments) {
    const segment = toSegment(parts);
    own.push(segment);
    // A pattern ends with its catch-all; `match` checks the segments that follow in Astro's route.
    if (segment.kind === 'catch-all') break;
  }
  const all = [...inBase, ...own];
  return { text: toText(all), segments: all, ...(match && { match }) };
}

function toSegment(parts: readonly SegmentPart[]): PatternSegment {
  const spread = parts.find((part) => part.spread);
  if (spread) return { kind: 'catch-all', name: spread.content.replace(/^\.\.\./, ''), orNone: true };
  if (parts.every((part) => !part.dynamic)) {
    return { kind: 'literal', text: parts.map(({ content }) => content).join('') };
  }
  // Also for a segment such as `[id].json`.
  return { kind: 'param', name: parts.find((part) => part.dynamic)?.content ?? '' };
}

function toText(segments: readonly PatternSegment[]): string {
  const texts = segments.map((segment) => {
    if (segment.kind === 'literal') return segment.text;
    return segment.kind === 'param' ? `:${segment.name}` : `*${segment.name}`;
  });
  return `/${texts.join('/')}`;
}
