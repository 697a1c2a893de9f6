import { relative, sep } from 'node:path';
import type { FileFolder, Reading } from '../../../contract/dialect.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
import type { Route } from '../../../contract/route.ts';
import type { Params } from '../../../contract/target.ts';
import type { OwnBuild } from './own-build.ts';
import { ownTarget } from './own-target.ts';

export interface OwnReadingParts {
  readonly build: OwnBuild;
  /** Absolute path of the site, in which the build stands. */
  readonly root: string;
  /** Of the build, relative to the site: `dist/server/entry.mjs`. */
  readonly entry: string;
  /** Who answers what the build has no route for (default: it passes). */
  readonly missing?: 'pass' | 'render';
}

/** What a build by our adapter answers by itself: its files, and what it renders on demand. */
export function ownReading({ build, root, entry, missing = 'pass' }: OwnReadingParts): Reading {
  const pattern = { text: `${build.base}/*`, segments: toSegments(build.base) };
  const common = { methods: 'any', dialect: 'astro', file: entry } as const;
  const pages: Route = { ...common, pattern, target: ownTarget({ build, name: entry, missing: 'pass' }), step: 5 };
  const rest = { ...pattern, text: `${build.base}/*not-found`, match: () => NO_PARAMS };
  const notFound: Route = {
    ...common,
    pattern: rest,
    target: ownTarget({ build, name: entry, missing: 'render' }),
    step: 7,
  };
  return {
    routes: missing === 'render' ? [pages, notFound] : [pages],
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
