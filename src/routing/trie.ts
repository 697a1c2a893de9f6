import type { PatternSegment } from '../contract/pattern.ts';

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  param: Node<T> | undefined;
  /** Values whose pattern ends at this node. */
  readonly ends: T[];
  /** Values whose pattern continues from this node with a catch-all. */
  readonly catchAlls: T[];
  /** Values whose pattern continues with a catch-all that also matches no segment. */
  readonly rests: T[];
  /** Catch-alls whose first segment has a prefix. */
  prefixes: PrefixTable<T> | undefined;
  /** Catch-alls with a last segment, by its text. */
  lasts: Map<string, T[]> | undefined;
}

/**
 * Finds values by pattern. Parameters with different names share a node.
 *
 * Each node has one parent, so a search visits a node at most once, and it never enters a branch that does not match the segments of
 * the request.
 */
export class Trie<T> {
  readonly #root: Node<T> = createNode();

  /** Throws if a catch-all is not the last segment: a defect of the dialect. */
  add(segments: readonly PatternSegment[], value: T): void {
    let node = this.#root;
    for (const [index, segment] of segments.entries()) {
      if (segment.kind === 'catch-all') {
        if (index !== segments.length - 1) throw new Error(`catch-all "${segment.name}" must be the last segment`);
        listFor(node, segment).push(value);
        return;
      }
      node = segment.kind === 'literal' ? literalChild(node, segment.text) : paramChild(node);
    }
    node.ends.push(value);
  }

  /** Appends the values of all matching patterns to `found`, in no particular order. Creates the list only if there is a match. */
  collect(segments: readonly string[], found?: T[]): T[] | undefined {
    return collectFrom(this.#root, segments, 0, found);
  }
}

function createNode<T>(): Node<T> {
  return {
    literals: new Map(),
    param: undefined,
    ends: [],
    catchAlls: [],
    rests: [],
    prefixes: undefined,
    lasts: undefined,
  };
}

/** A catch-all with a prefix or a last segment is found by that text, so that a path meets few of many such patterns. */
function listFor<T>(node: Node<T>, { orNone, prefix, last }: CatchAll): T[] {
  if (prefix) {
    node.prefixes ??= new PrefixTable();
    return node.prefixes.listOf(prefix);
  }
  if (last === undefined) return orNone ? node.rests : node.catchAlls;
  node.lasts ??= new Map();
  return listIn(node.lasts, last);
}

type CatchAll = Extract<PatternSegment, { readonly kind: 'catch-all' }>;

/** Finds values whose prefix a text has. */
class PrefixTable<T> {
  readonly #values = new Map<string, T[]>();
  /** Each once: there are few, however many prefixes there are. */
  readonly #lengths = new Set<number>();

  listOf(prefix: string): T[] {
    this.#lengths.add(prefix.length);
    return listIn(this.#values, prefix);
  }

  collect(text: string, found: T[] | undefined): T[] | undefined {
    let all = found;
    for (const length of this.#lengths) {
      const values = length <= text.length ? this.#values.get(text.slice(0, length)) : undefined;
      if (values) all = append(all, values);
    }
    return all;
  }
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function literalChild<T>(node: Node<T>, text: string): Node<T> {
  const child = node.literals.get(text) ?? createNode<T>();
  node.literals.set(text, child);
  return child;
}

function paramChild<T>(node: Node<T>): Node<T> {
  node.param ??= createNode<T>();
  return node.param;
}

/** The recursion is as deep as the longest pattern, not as the path. */
function collectFrom<T>(
  node: Node<T>,
  segments: readonly string[],
  depth: number,
  found: T[] | undefined,
): T[] | undefined {
  let rested = append(found, node.rests);
  const lasts = depth < segments.length ? node.lasts?.get(segments.at(-1) ?? '') : undefined;
  if (lasts) rested = append(rested, lasts);
  if (depth === segments.length) return append(rested, node.ends);
  const segment = segments[depth];
  // An empty segment may be inside a catch-all, but it neither starts one nor matches a parameter.
  if (!segment) return rested;
  if (node.prefixes) rested = node.prefixes.collect(segment, rested);
  let all = append(rested, node.catchAlls);
  const literal = node.literals.get(segment);
  if (literal) all = collectFrom(literal, segments, depth + 1, all);
  if (node.param) all = collectFrom(node.param, segments, depth + 1, all);
  return all;
}

function append<T>(found: T[] | undefined, values: readonly T[]): T[] | undefined {
  if (values.length === 0) return found;
  if (!found) return [...values];
  found.push(...values);
  return found;
}
