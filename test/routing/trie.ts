import test from 'ava';
import { Trie } from '../../src/routing/trie.ts';
import { route } from '../helpers/route.ts';

test('a walk has the same number of steps for ten patterns and ten thousand', (t) => {
  const few = trieOf(Array.from({ length: 10 }, (_, index) => `/api/v${index}/:id`));
  const many = trieOf(Array.from({ length: 10_000 }, (_, index) => `/api/v${index}/:id`));

  for (const path of ['/api/v7/x', '/api/v7/x/y', '/api/none/x', '/other']) {
    t.is(stepsOf(many, path), stepsOf(few, path), path);
  }
  t.is(stepsOf(many, '/api/v9999/x'), 3);
});

test('a walk visits no node twice when literals and parameters alternate', (t) => {
  const depth = 10;
  const patterns = Array.from({ length: 2 ** depth }, (_, bits) => alternating(bits, depth));
  const trie = trieOf(patterns);

  // The number of inner nodes of a binary tree of this depth.
  t.is(stepsOf(trie, '/a'.repeat(depth)), 2 ** depth - 1);
  t.is(trie.collect('a'.repeat(depth).split(''))?.length, 2 ** depth);
});

test('a walk is as deep as the longest pattern, not as the path', (t) => {
  const trie = trieOf(['/:a/:b/:c', '/:a/*rest']);

  t.is(stepsOf(trie, '/x'.repeat(10_000)), 4);
});

test('no object is created when no pattern matches', (t) => {
  t.is(trieOf(['/a/:id', '/b/*rest']).collect(['c', 'd']), undefined);
});

test('catch-alls with a prefix or a last segment are found by it, and of ten thousand few are collected', (t) => {
  const trie = new Trie<string>();
  const rest = { kind: 'catch-all', name: 'x', orNone: true } as const;
  for (let index = 0; index < 10_000; index++) {
    trie.add([{ ...rest, prefix: `p${index}-` }], `p${index}`);
    trie.add(
      [
        { kind: 'literal', text: 'a' },
        { ...rest, last: `l${index}` },
      ],
      `l${index}`,
    );
  }
  trie.add([rest], 'all');

  t.deepEqual(trie.collect(['p77-x', 'y']), ['all', 'p77']);
  t.deepEqual(trie.collect(['p77']), ['all']);
  t.deepEqual(trie.collect(['a', 'b', 'l7']), ['all', 'l7']);
  t.deepEqual(trie.collect(['a', 'l7']), ['all', 'l7']);
  t.deepEqual(trie.collect(['a']), ['all']);
  t.deepEqual(trie.collect([]), ['all']);
});

test('a catch-all that is not last is refused', (t) => {
  t.throws(() => trieOf(['/a/*rest/b']), { message: /"rest" must be the last segment/ });
});

function trieOf(patterns: readonly string[]): Trie<string> {
  const trie = new Trie<string>();
  for (const text of patterns) trie.add(route(text).pattern.segments, text);
  return trie;
}

function alternating(bits: number, depth: number): string {
  return Array.from({ length: depth }, (_, place) => (bits & (1 << place) ? '/a' : `/:p${place}`)).join('');
}

/** The number of reads of a path segment in a walk: one for each visited node. */
function stepsOf(trie: Trie<string>, path: string): number {
  let steps = 0;
  const segments = new Proxy(path.slice(1).split('/'), {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) steps += 1;
      return Reflect.get(target, key);
    },
  });
  trie.collect(segments);
  return steps;
}
