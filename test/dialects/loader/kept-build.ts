import { cp, mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Exports } from '../../../src/dialects/loader/compile.ts';
import { survey } from '../../../src/dialects/loader/survey.ts';
import { builtSite, compileAhead, FILES, isFresh, loadFile } from '../../helpers/built-site.ts';
import { project } from '../../helpers/project.ts';

test('a build runs no code of the site', async (t) => {
  const opened = await project(t, { 'api/a.ts': 'globalThis.ranAhead = true; export const onRequest = () => 1;' });

  await compileAhead(opened, ['api/a.ts']);

  t.false('ranAhead' in globalThis);
});

test('a fresh build gives the same results as a compilation at start', async (t) => {
  const opened = await project(t, FILES);
  const before = await loadFile(opened);
  const found = await survey(opened, [join(opened.root, 'api/a.ts')]);
  await compileAhead(opened, ['api/a.ts']);

  const { exports, problems } = await loadFile(opened);

  t.true(await isFresh(opened));
  t.deepEqual(problems, []);
  t.deepEqual((exports.onRequest as () => unknown)(), ['help', 1, 'small', 'data']);
  t.deepEqual(Object.keys(exports), Object.keys(before.exports));
  t.is(exports.place, before.exports.place);
  t.deepEqual(await survey(opened, [join(opened.root, 'api/a.ts')]), found);
});

test('a build stays fresh when only times, data and unrelated files change', async (t) => {
  const opened = await builtSite(t);
  for (const file of ['api/a.ts', 'tsconfig.json']) await utimes(join(opened.root, file), 1, 1);
  await writeFile(join(opened.root, 'api/data.txt'), 'other data');
  await writeFile(join(opened.root, 'lib/other.ts'), 'export {}');

  t.true(await isFresh(opened));
  t.deepEqual((await loadFile(opened)).problems, []);
});

test('a build that is moved with its site is used, with the new paths and packages', async (t) => {
  const opened = await builtSite(t);
  const root = `${opened.root} #2%41`;
  await rename(opened.root, root);
  t.teardown(() => rm(root, { recursive: true, force: true }));

  const { exports, problems } = await loadFile({ ...opened, root, dataDir: join(root, '.nexthop') });

  t.deepEqual(problems, []);
  t.deepEqual((exports.onRequest as () => unknown)(), ['help', 1, 'small', 'data']);
  t.is((await (exports.later as () => Promise<Exports>)()).name, 'small');
  t.deepEqual(await readdir(join(root, '.nexthop')), ['.gitignore', 'build'], 'it was imported where it stands');
  t.true(stackOf(exports.fail).includes(`${root}/api/a.ts:5:35`), stackOf(exports.fail));
});

test('a build that is moved relative to its site is used', async (t) => {
  const opened = await builtSite(t);
  const dataDir = join(opened.root, 'far/away/data');
  await mkdir(join(opened.root, 'far/away'), { recursive: true });
  await cp(opened.dataDir, dataDir, { recursive: true });
  await rm(opened.dataDir, { recursive: true });

  const { exports, problems } = await loadFile({ ...opened, dataDir });

  t.deepEqual(problems, []);
  t.deepEqual((exports.onRequest as () => unknown)(), ['help', 1, 'small', 'data']);
  t.true(stackOf(exports.fail).includes(`${opened.root}/api/a.ts:5:35`), stackOf(exports.fail));
});

function stackOf(fail: unknown): string {
  try {
    (fail as () => void)();
  } catch (error) {
    return String((error as Error).stack);
  }
  return '';
}

test('of several builds at the same time one is used, and it is complete', async (t) => {
  const opened = await project(t, FILES);

  await Promise.all(Array.from({ length: 4 }, () => compileAhead(opened, ['api/a.ts'])));

  t.true(await isFresh(opened));
  t.is((await readdir(join(opened.dataDir, 'build'))).filter((name) => name.endsWith('.new')).length, 0);
});

test('a build that is not finished does not change the previous one', async (t) => {
  const opened = await builtSite(t);
  await writeFile(join(opened.dataDir, 'build/half.new'), '{');

  t.true(await isFresh(opened));
});

test('files of earlier builds are removed once they are old', async (t) => {
  const opened = await builtSite(t);
  const folder = join(opened.dataDir, 'build');
  await writeFile(join(folder, 'young.new'), '');
  await writeFile(join(folder, 'old.new'), '');
  await utimes(join(folder, 'old.new'), 1, 1);

  await compileAhead(opened, ['api/a.ts']);

  t.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.new')),
    ['young.new'],
  );
});
