import type { FileFolder, Route } from '../contract/dialect.ts';
import type { PatternSegment } from '../contract/pattern.ts';
import type { Target } from '../contract/target.ts';
import { toBase } from './to-targets.ts';

const METHODS = ['GET', 'HEAD'] as const;

/** A Route for each path and who answers there. */
export function toRoutes(targets: ReadonlyMap<string, Target>, { folder, base }: FileFolder): readonly Route[] {
  const above = toBase(base);
  return [...targets].map(([path, target]) => ({
    ...COMMON,
    pattern: { text: path, segments: toSegments(path) },
    target,
    file: target.name,
    folder,
    base: above,
  }));
}

/** One Route for all that may ever stand in the folder. */
export function toRouteForAll(target: Target, { folder, base }: FileFolder): Route {
  const above = toBase(base);
  const segments: PatternSegment[] = [...toSegments(above), { kind: 'catch-all', name: 'path', orNone: true }];
  return { ...COMMON, pattern: { text: `${above}/*`, segments }, target, file: folder, folder, base: above };
}

const COMMON = { methods: METHODS, step: 3, dialect: 'static' } as const;

function toSegments(path: string): PatternSegment[] {
  const texts = path.split('/').filter((text) => text !== '');
  return texts.map((text) => ({ kind: 'literal', text }));
}
