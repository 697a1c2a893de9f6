import { relative, sep } from 'node:path';
import type { FileFolder, Reading } from '../../../contract/dialect.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Route } from '../../../contract/route.ts';
import type { Params, Target } from '../../../contract/target.ts';
import type { OwnBuild } from './own-build.ts';
import { type OwnTargetParts, ownTarget } from './own-target.ts';
import { unroutableRoute } from './unroutable.ts';

export interface OwnReadingParts {
  readonly build: OwnBuild;
  /** Absolute path of the site that contains the build. */
  readonly root: string;
  /** The entry, relative to the site: `dist/server/entry.mjs`. */
  readonly entry: string;
  /** What happens to a request for which the build has no route; default: it passes. */
  readonly unmatched?: 'pass' | 'render';
}

/** The files and routes of a build by nexthop's adapter. */
export function ownReading({ build, root, entry, unmatched = 'pass' }: OwnReadingParts): Reading {
  const { base, unmatchedMethods } = build;
  const pattern = { text: `${base}/*`, segments: toSegments(base) };
  const shared = { dialect: 'astro', file: entry } as const;
  const toTarget = (role: OwnTargetParts['unmatched']): Target => ownTarget({ build, name: entry, unmatched: role });
  const routes: Route[] = [{ ...shared, pattern, methods: 'any', target: toTarget('pass'), step: 5 }];
  const rest = { ...pattern, text: `${base}/*not-found`, match: () => NO_PARAMS };
  if (unmatched === 'render') {
    const target = toTarget('render');
    routes.push({ ...shared, pattern: rest, methods: 'any', target, step: 7 });
    routes.push(unroutableRoute({ base, target, file: entry }));
  } else if (unmatchedMethods.length > 0) {
    routes.push({
      ...shared,
      pattern: rest,
      methods: unmatchedMethods,
      target: toTarget('try'),
      step: 7,
      afterFallback: true,
      about: 'middleware of the site',
    });
  }
  return {
    routes,
    ignored: [],
    problems: [],
    fileFolders: [toFileFolder(build, root)],
  };
}

const NO_PARAMS: Params = Object.freeze({});

const SLASH = { always: 'always', never: 'never', ignore: 'either' } as const;

function toFileFolder({ client, base, trailingSlash, assetsDir, headers }: OwnBuild, root: string): FileFolder {
  return {
    folder: relative(root, client).split(sep).join('/') || '.',
    slash: SLASH[trailingSlash],
    base,
    dotFolders: ['.well-known'],
    immutable: [`/${assetsDir}/`],
    headers,
  };
}

function toSegments(base: string): PatternSegment[] {
  const texts = base.split('/').filter((text) => text !== '');
  return [
    ...texts.map((text) => ({ kind: 'literal' as const, text })),
    { kind: 'catch-all', name: 'path', orNone: true },
  ];
}
