import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { compile, type Exports } from '../../src/dialects/loader/compile.ts';
import { KeptFileFacts } from '../../src/site/kept-file-facts.ts';
import { project } from '../helpers/project.ts';

/** Long after every file of a test has changed. */
const later = (): number => Date.now() + 3_600_000;

test('a fact of a file is found once, and again after the file has changed', async (t) => {
  const { root } = await project(t, { 'a.js': 'one' });
  const facts = new KeptFileFacts(later);
  const found: string[] = [];
  const find = () =>
    facts.of(join(root, 'a.js'), 'count', async () => {
      found.push('found');
      return found.length;
    });

  t.deepEqual([await find(), await find()], [1, 1]);
  await writeFile(join(root, 'a.js'), 'two and more');

  t.is(await find(), 2);
});

test('nothing is kept of a file that has just changed, that is missing, or whose fact could not be found', async (t) => {
  const { root } = await project(t, { 'a.js': 'one' });
  const now = new KeptFileFacts();
  const settled = new KeptFileFacts(later);
  let calls = 0;
  const count = async () => ++calls;

  await now.of(join(root, 'a.js'), 'count', count);
  await now.of(join(root, 'a.js'), 'count', count);
  t.is(calls, 2, 'another change may not show in its times');
  await settled.of(join(root, 'missing.js'), 'count', count);
  await settled.of(join(root, 'missing.js'), 'count', count);
  t.is(calls, 4);
  await t.throwsAsync(settled.of(join(root, 'a.js'), 'count', () => Promise.reject(new Error('no'))));
  t.is(await settled.of(join(root, 'a.js'), 'count', count), 5);
});

test('files that the compiler reads itself in a later reading have the same code, also beside new and changed ones', async (t) => {
  const opened = await project(t, {
    'a.ts': "import { name } from './lib.ts'; export const read = () => name + ' a';",
    'lib.ts': "export const name: string = 'lib';",
    'place.ts': 'export const read = () => import.meta.filename;',
    'common.js': "const { read } = require('./a.ts'); export const all = read; module.exports.read = read;",
  });
  const fileFacts = new KeptFileFacts(later);
  const read = async (file: string): Promise<unknown> => {
    const paths = ['a.ts', 'place.ts', 'common.js'].map((each) => join(opened.root, each));
    const compiled = await compile({ ...opened, fileFacts }, { files: paths });
    const loaded = await compiled.load(join(opened.root, file));
    t.deepEqual(compiled.problems, []);
    return loaded.state === 'ready' && (loaded.exports as Exports & { read: () => unknown }).read();
  };
  const first = await Promise.all([read('a.ts'), read('place.ts'), read('common.js')]);

  t.deepEqual(first, ['lib a', join(opened.root, 'place.ts'), 'lib a']);
  t.deepEqual(await Promise.all([read('a.ts'), read('place.ts'), read('common.js')]), first);
  await writeFile(join(opened.root, 'new.ts'), 'export const folder = __dirname;');
  await writeFile(join(opened.root, 'a.ts'), "import { folder } from './new.ts'; export const read = () => folder;");
  t.is(await read('a.ts'), opened.root, 'a new file is looked at, too');
  await writeFile(join(opened.root, 'lib.ts'), 'export const name = ;');
  await writeFile(join(opened.root, 'a.ts'), "export { name as read } from './lib.ts';");
  const broken = await compile({ ...opened, fileFacts }, { files: [join(opened.root, 'a.ts')] });
  t.like(broken.problems[0], { file: 'lib.ts', line: 1 });
});
