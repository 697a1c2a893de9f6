import test from 'ava';
import { withoutNames } from '../../src/http/headers.ts';

test('withoutNames removes headers in any case and keeps the order of the rest', (t) => {
  t.deepEqual(withoutNames(['A', '1', 'x-b', '2', 'X-B', '3', 'c', '4'], new Set(['x-b'])), ['A', '1', 'c', '4']);
});
