import { relative, sep } from 'node:path';
import type { FileFolder, Reading } from '../../../contract/dialect.ts';
import type { PatternSegment } from '../../../contract/pattern.ts';
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
  const target = ownTarget({ build, name: entry, missing });
  return {
    routes: [{ pattern, methods: 'any', target, step: 5, dialect: 'astro', file: entry }],
    ignored: [],
    problems: [],
    fileFolders: [toFileFolder(build, root)],
  };
}

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
