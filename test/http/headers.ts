import test from 'ava';
import { NameTable, nominatedBy, withoutNames } from '../../src/http/headers.ts';

const TABLE = new NameTable(
  new Map([
    ['connection', 1],
    ['te', 2],
    [`x-${'long'.repeat(20)}`, 3],
  ]),
  0,
);

for (const [name, value] of [
  ['connection', 1],
  ['Connection', 1],
  ['CONNECTION', 1],
  ['TE', 2],
  [`X-${'LONG'.repeat(20)}`, 3],
  ['Cookie', 0],
  ['Collection', 0],
  ['Tf', 0],
  ['', 0],
  [`x-${'lang'.repeat(20)}`, 0],
] as const) {
  test(`a table of names returns the value of ${JSON.stringify(name.slice(0, 12))} in upper and lower case, on the first and on later look-ups`, (t) => {
    t.is(TABLE.get(name), value);
    t.is(TABLE.get(name), value);
  });
}

test('the table works with more spellings of a name than it stores', (t) => {
  const table = new NameTable(new Map([['x-abcdefghijklm', 1]]), 0);
  const spell = (bits: number): string =>
    [...'x-abcdefghijklm'].map((letter, at) => ((bits >> at) & 1 ? letter.toUpperCase() : letter)).join('');

  for (let bits = 0; bits < 10_000; bits++) t.is(table.get(spell(bits)), 1);
});

for (const [connection, names] of [
  ['keep-alive', undefined],
  ['close', undefined],
  ['Keep-Alive, Upgrade', undefined],
  ['X-A', ['x-a']],
  ['close, X-A ,x-b', ['x-a', 'x-b']],
  [
    'Host, Cookie, Authorization, True-Client-IP, section-io-id, eo-log-uuid, x-nf-geo, Client-IP, X-Forwarded-Proto',
    undefined,
  ],
  [', ,', undefined],
] as const) {
  test(`Connection: ${connection} nominates ${names ?? 'nothing'}`, (t) => {
    const nominated = nominatedBy(connection);

    t.deepEqual(nominated && [...nominated], names && [...names]);
  });
}

test('withoutNames removes headers in any case and keeps the order of the rest', (t) => {
  t.deepEqual(withoutNames(['A', '1', 'x-b', '2', 'X-B', '3', 'c', '4'], new Set(['x-b'])), ['A', '1', 'c', '4']);
});
