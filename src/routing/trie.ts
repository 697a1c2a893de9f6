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
        (segment.orNone ? node.rests : node.catchAlls).push(value);
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
  return { literals: new Map(), param: undefined, ends: [], catchAlls: [], rests: [] };
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
  const rested = append(found, node.rests);
  if (depth === segments.length) return append(rested, node.ends);
  const segment = segments[depth];
  // An empty segment may be inside a catch-all, but it neither starts one nor matches a parameter.
  if (!segment) return rested;
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
