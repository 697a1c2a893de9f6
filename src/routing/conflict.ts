import type { Pattern } from '../contract/pattern.ts';
import type { Problem } from '../contract/problem.ts';
import type { Conflict, Route, Step } from '../contract/route.ts';

/** The mistake, as a problem of the file that is not asked. */
export function toConflictProblem({ first, second, methods }: Conflict): Problem {
  const requests = methods === 'any' ? second.pattern.text : `${methods.join(', ')} ${second.pattern.text}`;
  const kind = first.folder === undefined ? '' : 'the file ';
  const message = `never answers ${requests}: ${kind}${first.file} answers first; remove one of the two, or give it another path`;
  return { severity: 'warning', file: second.file, message };
}

/** Finds the conflicts between routes with equal patterns; names of parameters are ignored. `ordered`: the order in which they are tried. */
export function findConflicts(ordered: readonly Route[]): readonly Conflict[] {
  const shapes = new Map<string, string>();
  // The one route of all files of a folder passes what it has no file for.
  const exact = ordered.filter(({ countFiles }) => countFiles === undefined);
  const groups = Map.groupBy(exact, ({ pattern }) => {
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
    conflicts.push({ first, second, methods, isMistake: isMistake(second) });
    if (methods === 'any') break;
    for (const method of methods) taken.add(method);
  }
  return conflicts;
}

const FIRST_RULE: Step = 6;

/**
 * Not of files, not of functions that files and the next hop are meant to precede, and not of rules, which answer what
 * nothing else does.
 */
function isMistake({ step, folder, afterFallback }: Route): boolean {
  return step < FIRST_RULE && folder === undefined && !afterFallback;
}

function common(some: Route['methods'], others: Route['methods']): Route['methods'] {
  if (some === 'any') return others;
  return others === 'any' ? some : some.filter((method) => others.includes(method));
}

function without(methods: Route['methods'], taken: ReadonlySet<string>): Route['methods'] {
  return methods === 'any' ? methods : methods.filter((method) => !taken.has(method));
}
