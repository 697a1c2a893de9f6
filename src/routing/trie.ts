import type { PatternSegment } from '../contract/pattern.ts';

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  param: Node<T> | undefined;
  /** Values whose pattern ends at this node. */
  readonly ends: T[];
  /** Values whose pattern goes on from this node with a catch-all. */
  readonly catchAlls: T[];
  /** … with one that takes whatever comes. */
  readonly rests: T[];
}

/**
 * Values by pattern. Parameters of different names share a node; what the names are is the value's affair.
 *
 * Every node is reached in one way only, so a walk visits a node once at most, however literals and parameters alternate;
 * a branch that does not fit the request's segments is never entered, however many patterns stand there.
 */
export class Trie<T> {
  readonly #root: Node<T> = createNode();

  /** Throws for a catch-all that is not last, which is a mistake of the dialect that made the pattern. */
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

  /** Appends every value whose pattern fits to `found`, in no order. Makes the list only when there is something to put in. */
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

/** As deep as the deepest pattern at most, however long the path. */
function collectFrom<T>(
  node: Node<T>,
  segments: readonly string[],
  depth: number,
  found: T[] | undefined,
): T[] | undefined {
  const rested = append(found, node.rests);
  if (depth === segments.length) return append(rested, node.ends);
  const segment = segments[depth];
  // An empty segment is kept inside a catch-all, but it neither starts one nor fills a parameter.
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
