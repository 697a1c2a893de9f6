import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { survey } from '../../../src/dialects/loader/survey.ts';
import { LoadedCode } from '../../../src/site/loaded-code.ts';
import { project } from '../../helpers/project.ts';

interface Row {
  readonly title: string;
  readonly text: string;
  readonly names: readonly string[];
  readonly defaultName?: string;
}

const ROWS: readonly Row[] = [
  { title: 'a function', text: 'export async function onRequest() {}', names: ['onRequest'] },
  { title: 'a typed constant', text: 'export const onRequestGet: () => number = () => 1', names: ['onRequestGet'] },
  { title: 'a renamed export', text: 'function a() {} export { a as onRequest }', names: ['onRequest'] },
  { title: 'a re-export', text: "export { onRequest } from './lib'", names: ['onRequest'] },
  { title: 'a star', text: "export * from './star'", names: ['onRequest'] },
  { title: 'a minified export', text: 'var e=async()=>1;export{e as onRequestPost};', names: ['onRequestPost'] },
  { title: 'a type', text: 'export type onRequest = string; export const a = 1', names: ['a'] },
  {
    title: 'comments and strings that resemble an export',
    text: '// export const onRequest\nexport const a = `export const onRequest`',
    names: ['a'],
  },
  {
    title: 'a named default',
    text: 'export default function onRequest() {}',
    names: ['default'],
    defaultName: 'onRequest',
  },
  {
    title: 'a default by variable',
    text: 'const onRequest = () => 1; export default onRequest',
    names: ['default'],
    defaultName: 'onRequest',
  },
  {
    title: 'a default of another file',
    text: "export { default } from './lib'",
    names: ['default'],
    defaultName: 'onRequest',
  },
  { title: 'an anonymous default', text: 'export default async (request, response) => {}', names: ['default'] },
];

for (const { title, text, names, defaultName = '' } of ROWS) {
  test(`exports are found without running the file: ${title}`, async (t) => {
    const opened = await project(t, {
      'a.ts': `globalThis.surveyRan = true; ${text}`,
      'lib.ts': 'export const onRequest = () => 1; export default onRequest;',
      'star.ts': "export * from './lib';",
    });

    const { looks } = await survey(opened, [join(opened.root, 'a.ts'), join(opened.root, 'lib.ts')]);

    const look = looks.get(join(opened.root, 'a.ts'));
    t.deepEqual([...(look?.names ?? [])], names);
    t.is(look?.defaultName, defaultName);
    t.false('surveyRan' in globalThis);
  });
}

const COMMON_JS: readonly (readonly [string, readonly string[]])[] = [
  ['exports.onRequest = () => 1', ['onRequest']],
  ["module.exports['onRequest'] = () => 1", ['onRequest']],
  ["Object.defineProperty(exports, 'onRequest', { get: () => 1 })", ['onRequest']],
  ['module.exports = { onRequest() {}, other: 1 }', ['default', 'onRequest', 'other']],
  ['const onRequest = () => 1; module.exports = { onRequest }', ['default', 'onRequest']],
  ['module.exports = function withAuth(onRequest) {}', ['default']],
  ["if (exports.onRequest === undefined) require('fs')", []],
];

for (const [text, names] of COMMON_JS) {
  test(`exports of CommonJS are found in its text: ${text}`, async (t) => {
    const opened = await project(t, { 'a.cjs': text });

    const { looks } = await survey(opened, [join(opened.root, 'a.cjs')]);

    t.deepEqual([...(looks.get(join(opened.root, 'a.cjs'))?.names ?? [])], names);
  });
}

test('files with the same name and two extensions have separate exports', async (t) => {
  const opened = await project(t, { 'a.js': 'export const one = 1;', 'a.ts': 'export const two = 2;' });

  const { looks } = await survey(opened, [join(opened.root, 'a.js'), join(opened.root, 'a.ts')]);

  t.deepEqual([...looks.values()].flatMap(({ names }) => [...names]).sort(), ['one', 'two']);
});

test('a file with a syntax error is returned as text, and the exports of the others are found', async (t) => {
  const opened = await project(t, { 'a.js': 'export const onRequest = (', 'b.js': 'export const b = 1;' });

  const { looks, brokenTexts, found } = await survey(opened, [join(opened.root, 'a.js'), join(opened.root, 'b.js')]);

  t.deepEqual([...looks.keys()], [join(opened.root, 'b.js')]);
  t.is(brokenTexts.get(join(opened.root, 'a.js')), 'export const onRequest = (');
  t.like(found.files.get(join(opened.root, 'a.js')), { file: 'a.js', line: 1 });
});

test('an unchanged file is not compiled again to find its exports, unless other files decide what it exports', async (t) => {
  const opened = await project(t, {
    'alone.ts': 'export const onRequest = () => 1;',
    'star.ts': "export * from './lib';",
    'lib.ts': 'export const onRequest = () => 1;',
  });
  const paths = ['alone.ts', 'star.ts', 'lib.ts'].map((file) => join(opened.root, file));
  const [alone = '', star = '', lib = ''] = paths;
  const code = new LoadedCode();
  const first = await survey({ ...opened, warmCode: code }, paths);

  await writeFile(lib, 'export const onRequestGet = () => 1;');
  const second = await survey({ ...opened, warmCode: new LoadedCode(code) }, paths);

  t.is(second.looks.get(alone), first.looks.get(alone));
  t.deepEqual([...(second.looks.get(star)?.names ?? [])], ['onRequestGet']);
  t.deepEqual([...(second.looks.get(lib)?.names ?? [])], ['onRequestGet']);
});
