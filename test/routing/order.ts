import test from 'ava';
import { inOrder } from '../../src/routing/order.ts';
import { route } from '../helpers/route.ts';

const PRIORITIES: readonly (readonly [rule: string, ...patterns: string[]])[] = [
  ['a literal path comes before a parameter before a catch-all', '/a/b', '/a/:x', '/a/*x'],
  ['a parameter comes before any catch-all, however deep', '/prec/:p/:q/:r', '/prec/a/b/*rest'],
  ['a parameter at the start comes before a catch-all after a literal', '/:tenant/x', '/hn/*rest'],
  ['more segments come first', '/a/b/*rest', '/a/*rest', '/*rest'],
  ['more segments come first, also if more of them are dynamic', '/:x/:y/*rest', '/a/*rest'],
  ['fewer dynamic segments come first', '/a/b/:z', '/a/:y/:z', '/:x/:y/:z'],
  ['fewer dynamic segments come first among catch-alls', '/a/*rest', '/:x/*rest'],
  ['fewer dynamic segments come before the left-most literal', '/:x/b/c', '/a/:y/:z'],
  ['the left-most literal comes first', '/tie/b/:y', '/tie/:x/c'],
  ['the left-most literal comes first in the middle too', '/a/b/:y/:z/e', '/a/:x/c/:z/e', '/a/:x/:y/d/e'],
  ['the root comes before the root catch-all', '/', '/*rest'],
];

for (const [rule, ...patterns] of PRIORITIES) {
  test(rule, (t) => {
    const backwards = patterns.toReversed().map((text) => route(text));

    t.deepEqual(
      inOrder(backwards).map(({ pattern }) => pattern.text),
      patterns,
    );
  });
}

test('an earlier step comes before a better pattern', (t) => {
  const ordered = inOrder([route('/a', { step: 5 }), route('/:x', { step: 4 }), route('/*x', { step: 2 })]);

  t.deepEqual(
    ordered.map(({ step }) => step),
    [2, 4, 5],
  );
});

test('within one step a lower rank comes before a better pattern', (t) => {
  const ordered = inOrder([
    route('/a', { rank: 2 }),
    route('/*x', { rank: -1 }),
    route('/b/c'),
    route('/:x', { rank: 0 }),
    route('/*y', { step: 3, rank: 9 }),
  ]);

  t.deepEqual(
    ordered.map(({ pattern }) => pattern.text),
    ['/*y', '/*x', '/b/c', '/:x', '/a'],
  );
});

test('equal patterns stay in the order in which they were given', (t) => {
  const given = ['first', 'second', 'third'].map((file, index) => route(`/a/:${'xyz'[index]}`, { file }));

  t.deepEqual(inOrder(given), given);
});
