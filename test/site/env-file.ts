import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readEnvFile } from '../../src/site/env-file.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('a site without .env has no variables', async (t) => {
  t.like(await readEnvFile(await siteFolder(t)), { values: {}, file: '', problems: [] });
});

for (const [what, text, values] of [
  ['plain values', 'A=1\nB = two words \n', { A: '1', B: 'two words' }],
  ['empty values', 'A=\nB=""\n', { A: '', B: '' }],
  ['comments and blank lines', '# one\n\n  # two\nA=1 # three\n', { A: '1' }],
  ['export in front', 'export A=1', { A: '1' }],
  ['quotes of three kinds', `A="x # y"\nB='it is "so"'\nC=\`it's\``, { A: 'x # y', B: 'it is "so"', C: "it's" }],
  ['line breaks, written as \\n only in double quotes', `A="a\\nb"\nB='a\\nb'`, { A: 'a\nb', B: 'a\\nb' }],
  [
    'a value over several lines',
    'A="-----BEGIN\nkey=\n-----END" # key\nB=2',
    { A: '-----BEGIN\nkey=\n-----END', B: '2' },
  ],
  ['Windows line ends and a byte order mark', '\uFEFFA="1"\r\nB=2\r\n', { A: '1', B: '2' }],
  ['two values of one name, of which the last is used', 'A=1\nA=2', { A: '2' }],
  ['names with dots and dashes', 'a.b-c=1', { 'a.b-c': '1' }],
] as const) {
  test(`a .env may have ${what}`, async (t) => {
    const root = await siteFolder(t, { '.env': text });

    const { values: found, problems } = await readEnvFile(root);

    t.deepEqual([found, problems], [values, []]);
  });
}

for (const [what, line, reason] of [
  ['a line without =', 'SECRET', 'is not of the form NAME=value'],
  ['a name with a space', 'A SECRET=1', 'is not of the form NAME=value'],
  ['a line without a name', '=SECRET', 'is not of the form NAME=value'],
  ['a quote that is never closed', 'X="SECRET', 'the quote " is not closed'],
  ['text after the closing quote', 'X="a\\"SECRET"', 'there is text after the closing "'],
] as const) {
  test(`${what} is reported with its location and without its text, and the other lines are used`, async (t) => {
    const root = await siteFolder(t, { '.env': `A=1\n\n${line}\nB=2\n` });

    const { values, problems } = await readEnvFile(root);

    t.deepEqual(values, { A: '1', B: '2' });
    t.is(problems.length, 1);
    t.like(problems[0], { severity: 'warning', file: '.env', line: 3 });
    t.true(problems[0]?.message.startsWith(reason), problems[0]?.message);
    t.notRegex(JSON.stringify(problems), /SECRET/);
  });
}

test('.env.local is read only if there is no .env', async (t) => {
  const both = await siteFolder(t, { '.env': 'A=1', '.env.local': 'A=2\nB=2' });
  const one = await siteFolder(t, { '.env.local': 'A=2\nbroken' });

  t.like(await readEnvFile(both), { values: { A: '1' }, file: '.env', problems: [] });
  const { values, problems } = await readEnvFile(one);
  t.deepEqual(values, { A: '2' });
  t.like(problems[0], { file: '.env.local', line: 2 });
});

test('a folder named .env is ignored', async (t) => {
  const root = await siteFolder(t, { '.env.local': 'A=1' });
  await mkdir(join(root, '.env'));

  t.like(await readEnvFile(root), { values: { A: '1' }, file: '.env.local', problems: [] });
});

test('the result has the line of each variable', async (t) => {
  const root = await siteFolder(t, { '.env': '# a\nA="x\ny"\n\nB=1\nA=2' });

  t.deepEqual(
    [...(await readEnvFile(root)).lines],
    [
      ['A', 6],
      ['B', 5],
    ],
  );
});
