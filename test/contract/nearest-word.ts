import test from 'ava';
import { countEdits, nearestWord } from '../../src/contract/nearest-word.ts';

const WORDS = [
  'onRequest',
  'onRequestGet',
  'onRequestPost',
  'onRequestPut',
  'LOG_DIR',
  'LOG_LEVEL',
  'method',
  'to',
  'for',
];

for (const [word, expected] of [
  ['onRequestGte', 'onRequestGet'],
  ['onRequestPots', 'onRequestPost'],
  ['onrequestget', 'onRequestGet'],
  ['onReqeust', 'onRequest'],
  ['onRequestHelper', undefined],
  ['onRequestPatch', undefined],
  ['log-dri', 'LOG_DIR'],
  ['LOGDIR', 'LOG_DIR'],
  ['log.level', 'LOG_LEVEL'],
  ['metod', 'method'],
  ['mthd', undefined],
  ['fro', 'for'],
  ['ab', undefined],
  ['', undefined],
] as const) {
  test(`the nearest word to ${JSON.stringify(word)} is ${expected}`, (t) => {
    t.is(nearestWord(word, WORDS), expected);
  });
}

test('edits are counted as in the definition of the distance', (t) => {
  for (const [left, right, edits] of [
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['abcd', 'acbd', 1],
    ['ca', 'abc', 3],
    ['same', 'same', 0],
  ] as const) {
    t.is(countEdits(left, right), edits, `${left} ${right}`);
    t.is(countEdits(right, left), edits, `${right} ${left}`);
  }
});
