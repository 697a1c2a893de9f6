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
  /** Astro answers whatever else is below its base. */
  readonly ownsNotFound: boolean;
}

/** Who answers: a target for each kind of question. */
type ToTarget = (asked: AstroTargetParts['asked'], fails?: AstroTargetParts['fails']) => Target;

/** The routes of a build that runs: those of its manifest, so that everything else is nothing to it. Without one it is asked about all there is below its base. */
export function toRoutes(parts: RoutesParts, build: HostedBuild): readonly Route[] {
  const toTarget: ToTarget = (asked, fails) => new AstroTarget({ build, asked, ...(fails && { fails }) });
  const routes = routesFor(parts, toTarget);
  return mayHaveLeftovers(parts, build) ? [...routes, leftoverRoute(parts, toTarget)] : routes;
}

/** The same routes of a build that does not run: nobody else may answer in its name. */
export function toUnreadyRoutes(parts: RoutesParts, cause: unknown): readonly Route[] {
  return routesFor(parts, () => new UnreadyTarget(parts.file, cause));
}

function routesFor({ found, file, ownsNotFound }: RoutesParts, toTarget: ToTarget): readonly Route[] {
  const { manifest, looksPastPrerendered } = found;
  const routes: Route[] = [];
  const told = new Set<string>();
  const add = (pattern: Pattern, target: Target, step: Route['step'] = 5): void => {
    // Their order is Astro's, whatever their patterns look like.
    routes.push({ pattern, methods: 'any', target, step, rank: routes.length, dialect: 'astro', file });
  };
  const isKnown = manifest !== undefined && !manifest.hasDomains;
  if (isKnown) {
    const target = toTarget('route');
    for (const { route, fits } of onDemandRoutes(manifest, looksPastPrerendered)) {
      // Astro 5 writes each redirect twice.
      if (told.has(route.route)) continue;
      told.add(route.route);
      add(
        toPattern(manifest.base, route.segments, (path) => toParams(fits(path))),
        target,
      );
    }
  }
  if (ownsNotFound) {
    const target = toTarget('rest', toFails(found));
    add(everything(manifest), target, isKnown ? 7 : 5);
    routes.push(unroutableRoute({ base: manifest?.base ?? '', target, file }));
  } else if (!isKnown) add(everything(manifest), toTarget('maybe'));
  return routes;
}

/** A build for standalone use that is asked about everything has run its middleware before the hop is asked. */
function mayHaveLeftovers({ found, ownsNotFound }: RoutesParts, { mode }: HostedBuild): boolean {
  const { manifest, unmatchedMethods } = found;
  return unmatchedMethods.length > 0 && !ownsNotFound && (mode === 'middleware' || manifest?.hasDomains === false);
}

function leftoverRoute({ found, file }: RoutesParts, toTarget: ToTarget): Route {
  const base = found.manifest?.base ?? '';
  return {
    // Of another name than a catch-all of the site, which it does not compete with.
    pattern: toPattern(base, [[{ content: '...not-found', dynamic: true, spread: true }]], () => NO_PARAMS),
    methods: found.unmatchedMethods,
    target: toTarget('leftover', toFails(found)),
    step: 7,
    afterFallback: true,
    dialect: 'astro',
    file,
    about: 'middleware of the site',
  };
}

const NO_PARAMS: Params = Object.freeze({});

/** Its own params Astro reads itself; a target learns by `location` that the page is at another path. */
function toParams(fit: Fit | undefined): Params | undefined {
  return fit && (fit.location === undefined ? NO_PARAMS : { location: fit.location });
}

function everything(manifest: Manifest | undefined): Pattern {
  return toPattern(manifest?.base ?? '', [[{ content: '...rest', dynamic: true, spread: true }]]);
}

/** Before @astrojs/node 11, Astro renders a prerendered page that has no file, and cannot. */
function toFails({ manifest, looksPastPrerendered }: FoundBuild): AstroTargetParts['fails'] {
  if (looksPastPrerendered || !manifest || manifest.hasDomains) return undefined;
  const all = manifest.routes.flatMap((each) => [each, ...each.fallbackRoutes]);
  const prerendered = all.filter(({ isPrerendered }) => isPrerendered);
  return (ownPath) => prerendered.some(({ pattern }) => pattern.test(ownPath));
}

/** The pattern of a route, whose segments are Astro's, below the base; `match` has the last word, as a segment of theirs may say more than one of ours. */
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
    // Whatever follows it, only `match` can tell.
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
  // `[id].json` is one of these, too.
  return { kind: 'param', name: parts.find((part) => part.dynamic)?.content ?? '' };
}

function toText(segments: readonly PatternSegment[]): string {
  const texts = segments.map((segment) => {
    if (segment.kind === 'literal') return segment.text;
    return segment.kind === 'param' ? `:${segment.name}` : `*${segment.name}`;
  });
  return `/${texts.join('/')}`;
}
