import type { Problem } from '../contract/problem.ts';
import type { Route } from '../contract/route.ts';
import type { Site } from './site.ts';

const MOST_NAMES = 10;

/**
 * A warning for each kind of guard of which a reload leaves none: what they protected is open, and a file that was emptied
 * or moved by mistake looks the same as one that was removed on purpose.
 */
export function findLostGuards(before: Pick<Site, 'filters'>, after: Pick<Site, 'filters'>): readonly Problem[] {
  const left = toKinds(after.filters);
  return [...toKinds(before.filters)].flatMap(([kind, { file, names }]): readonly Problem[] => {
    if (left.has(kind)) return [];
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
    const message = `had the only ${kind} until this reload: ${names.slice(0, MOST_NAMES).join(', ')}${more}; what was protected is open now`;
    return [{ severity: 'warning', file, message }];
  });
}

interface Kind extends Pick<Route, 'file'> {
  readonly names: readonly string[];
}

function toKinds(filters: readonly Route[]): ReadonlyMap<string, Kind> {
  const kinds = new Map<string, Kind>();
  for (const { guards, file } of filters) {
    if (!guards) continue;
    const { names = [], ...first } = kinds.get(guards.kind) ?? { file };
    kinds.set(guards.kind, { ...first, names: [...new Set([...names, ...guards.names])] });
  }
  return kinds;
}
