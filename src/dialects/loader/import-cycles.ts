import type { Metafile } from 'esbuild';

/** File → the files that it imports, by their names in esbuild's metafile. */
type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * Finds the ES modules that import each other in a circle, by the entry that needs them. When one
 * of a circle throws while it is evaluated, the language makes all of them fail (ECMA-262,
 * Cyclic Module Records). In a bundle of esbuild the modules evaluated before would still work.
 */
export function findCycles(metafile: Metafile, entries: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const graph = toGraph(metafile);
  const inCircle = findCircular(graph);
  if (inCircle.size === 0) return new Map();
  const needed = entries.map(
    (entry) => [entry, [...reach(graph, entry)].filter((file) => inCircle.has(file))] as const,
  );
  return new Map(needed.filter(([, files]) => files.length > 0));
}

/**
 * Contains `import` statements only: a `require` in a circle gets the exports that exist at that
 * time.
 */
function toGraph({ inputs }: Metafile): Graph {
  const modules = Object.entries(inputs).filter(([, { format }]) => format === 'esm');
  return new Map(
    modules.map(([file, { imports }]) => [
      file,
      imports.filter(({ kind, external }) => kind === 'import-statement' && !external).map(({ path }) => path),
    ]),
  );
}

/**
 * Files that reach themselves: those whose strong component, by Kosaraju's two passes, has more
 * than one member.
 */
function findCircular(graph: Graph): ReadonlySet<string> {
  const order: string[] = [];
  const seen = new Set<string>();
  for (const file of graph.keys()) visit(graph, file, seen, (done) => order.push(done));
  const reversed = reverse(graph);
  const assigned = new Set<string>();
  const circular = new Set<string>();
  for (const file of order.toReversed()) {
    const component: string[] = [];
    visit(reversed, file, assigned, (done) => component.push(done));
    if (component.length > 1) for (const member of component) circular.add(member);
  }
  return circular;
}

function reverse(graph: Graph): Graph {
  const reversed = new Map<string, string[]>([...graph.keys()].map((file) => [file, []]));
  for (const [file, imports] of graph) {
    for (const each of imports) reversed.get(each)?.push(file);
  }
  return reversed;
}

function reach(graph: Graph, file: string): ReadonlySet<string> {
  const seen = new Set<string>();
  visit(graph, file, seen, () => undefined);
  return seen;
}

/**
 * Visits depth first, without recursion: chains of imports may be longer than the stack. Calls
 * `leave` for each file after all that it imports.
 */
function visit(graph: Graph, start: string, seen: Set<string>, leave: (file: string) => void): void {
  if (seen.has(start) || !graph.has(start)) return;
  seen.add(start);
  const path = [{ file: start, next: 0 }];
  for (let step = path.at(-1); step; step = path.at(-1)) {
    const next = graph.get(step.file)?.[step.next++];
    if (next === undefined) {
      leave(step.file);
      path.pop();
    } else if (!seen.has(next) && graph.has(next)) {
      seen.add(next);
      path.push({ file: next, next: 0 });
    }
  }
}
