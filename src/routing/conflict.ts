import type { Pattern } from '../contract/pattern.ts';
import type { Conflict, Route } from '../contract/route.ts';

/** Finds the conflicts between routes with equal patterns; names of parameters are ignored. `ordered`: the order in which they are tried. */
export function findConflicts(ordered: readonly Route[]): readonly Conflict[] {
  const shapes = new Map<string, string>();
  const groups = Map.groupBy(ordered, ({ pattern }) => {
    // A pattern with `match` has no comparable segments: there, equal text means an equal pattern.
    const text = nameless(pattern);
    const known = shapes.get(text) ?? (pattern.match ? text : shape(pattern));
    shapes.set(text, known);
    return known;
  });
  return [...groups.values()].flatMap((rivals) =>
    rivals.flatMap((second, rank) => conflictsOf(second, rivals.slice(0, rank))),
  );
}

function nameless({ text }: Pattern): string {
  return text.replaceAll(/:\w+/g, ':');
}

function shape({ segments }: Pattern): string {
  return segments.map((segment) => (segment.kind === 'literal' ? `/${segment.text}` : `/\0${segment.kind}`)).join('');
}

/** For each method, only the first of the earlier routes that answers it is a conflict. */
function conflictsOf(second: Route, earlier: readonly Route[]): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const taken = new Set<string>();
  for (const first of earlier) {
    const methods = without(common(first.methods, second.methods), taken);
    if (methods.length === 0) continue;
    conflicts.push({ first, second, methods });
    if (methods === 'any') break;
    for (const method of methods) taken.add(method);
  }
  return conflicts;
}

function common(some: Route['methods'], others: Route['methods']): Route['methods'] {
  if (some === 'any') return others;
  return others === 'any' ? some : some.filter((method) => others.includes(method));
}

function without(methods: Route['methods'], taken: ReadonlySet<string>): Route['methods'] {
  return methods === 'any' ? methods : methods.filter((method) => !taken.has(method));
}
