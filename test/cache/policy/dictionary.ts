import test from 'ava';
import { parseDictionary } from '../../../src/cache/policy/dictionary.ts';

const VALID: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '': {},
  'max-age=3600': { 'max-age': 3600 },
  'public, max-age=60,must-revalidate': { public: true, 'max-age': 60, 'must-revalidate': true },
  ' max-age=1 \t,\t durable ': { 'max-age': 1, durable: true },
  'max-age=1, max-age=2': { 'max-age': 2 },
  'max-age="1"': { 'max-age': 'other' },
  'max-age=-5': { 'max-age': -5 },
  'max-age=1.5': { 'max-age': 'other' },
  'max-age=60;a=1;b, public;c="d"': { 'max-age': 60, public: true },
  'no-store=?0, private=?1': { 'no-store': 'other', private: true },
  'foo=(a "b, c" 3;x), max-age=9': { foo: 'other', 'max-age': 9 },
  'foo=:YQ==:, bar=@1659578233, baz=%"a%c3%a9", max-age=9': { foo: 'other', bar: 'other', baz: 'other', 'max-age': 9 },
  'foo=a/b:c*, *x=1': { foo: 'other', '*x': 1 },
};

for (const [text, members] of Object.entries(VALID)) {
  test(`the Dictionary ${JSON.stringify(text)} is read`, (t) => {
    t.deepEqual(Object.fromEntries(parseDictionary(text) ?? [['invalid', true]]), members);
  });
}

for (const text of [
  'max-age=10000, &&&&&',
  'max-age =100',
  'max-age= 100',
  'MaX-aGe=3600',
  'max-age=3600,',
  ',max-age=3600',
  'max-age=3600 public',
  'max-age="1',
  'max-age=1.',
  'max-age=1.2345',
  'max-age=1234567890123456',
  'foo=(a, b)',
  '\tmax-age=1',
  'a=1;B',
  'ä=1',
]) {
  test(`the text ${JSON.stringify(text)} is no Dictionary`, (t) => {
    t.is(parseDictionary(text), undefined);
  });
}

test('a long text that is nearly a Dictionary is refused in linear time', (t) => {
  const text = `a=(${'b '.repeat(20_000)}, c="${'\\"'.repeat(20_000)}`;

  t.is(parseDictionary(text), undefined);
});
