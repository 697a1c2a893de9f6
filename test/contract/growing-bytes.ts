import test from 'ava';
import { GrowingBytes } from '../../src/contract/growing-bytes.ts';

test('pieces of any size become one, and what was given out does not change', (t) => {
  const bytes = new GrowingBytes();
  const given: Buffer[] = [];
  let expected = '';
  for (const length of [0, 1, 4095, 1, 10_000, 3]) {
    const text = String(given.length).repeat(length);
    expected += text;
    given.push(bytes.add(Buffer.from(text)));
  }

  t.is(String(bytes.all), expected);
  t.deepEqual(
    given.map(String),
    given.map(({ length }) => expected.slice(0, length)),
  );
});
