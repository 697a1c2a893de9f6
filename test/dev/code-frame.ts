import { join } from 'node:path';
import test from 'ava';
import { readCodeFrame, toFrameRows } from '../../src/dev/code-frame.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const TEN = Array.from({ length: 10 }, (_, at) => `line ${at + 1}`).join('\n');

for (const [title, text, line, column, rows] of [
  [
    'three lines above and below',
    TEN,
    9,
    6,
    ['   6 | line 6', '   7 | line 7', '   8 | line 8', '>  9 | line 9', '     |      ^', '  10 | line 10'],
  ],
  ['the first line of a file', 'one\ntwo\n', 1, 1, ['> 1 | one', '    | ^', '  2 | two']],
  ['a column after tabs', '\tfail();', 1, 2, ['> 1 |   fail();', '    |   ^']],
  ['a line without a column', 'one', 1, undefined, ['> 1 | one']],
  [
    'the whole line if it is not too long',
    'x'.repeat(120),
    1,
    101,
    [`> 1 | ${'x'.repeat(120)}`, `    | ${' '.repeat(100)}^`],
  ],
] as const) {
  test(`a frame has ${title}`, async (t) => {
    const path = join(await siteFolder(t, { 'a.js': text }), 'a.js');

    const frame = readCodeFrame({ path, line, ...(column !== undefined && { column }) });

    t.deepEqual(frame && toFrameRows(frame).map((row) => row.text), [...rows]);
  });
}

test('a frame of minified code shows the part of the line around the column', async (t) => {
  const path = join(await siteFolder(t, { 'a.js': `${'x'.repeat(5000)}HERE${'y'.repeat(5000)}` }), 'a.js');

  const frame = readCodeFrame({ path, line: 1, column: 5001 });
  const [code = '', pointer = ''] = frame ? toFrameRows(frame).map((row) => row.text) : [];

  t.true(code.length < 200);
  t.is(code.indexOf('HERE'), pointer.indexOf('^'));
});

test('a file that is gone and a line that does not exist have no frame', async (t) => {
  const site = await siteFolder(t, { 'a.js': 'one' });

  t.is(readCodeFrame({ path: join(site, 'gone.js'), line: 1 }), undefined);
  t.is(readCodeFrame({ path: join(site, 'a.js'), line: 9 }), undefined);
});
