import { cp, mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Exports } from '../../../src/dialects/loader/compile.ts';
import { survey } from '../../../src/dialects/loader/survey.ts';
import { ask, builtSite, compileAhead, FILES, isFresh } from '../../helpers/built-site.ts';
import { project } from '../../helpers/project.ts';

test('nothing is run while it is compiled ahead', async (t) => {
  const opened = await project(t, { 'api/a.ts': 'globalThis.ranAhead = true; export const onRequest = () => 1;' });

  await compileAhead(opened, ['api/a.ts']);

  t.false('ranAhead' in globalThis);
});

test('a fresh build serves what was compiled, and looks like a compilation at start', async (t) => {
  const opened = await project(t, FILES);
  const before = await ask(opened);
  const found = await survey(opened, [join(opened.root, 'api/a.ts')]);
  await compileAhead(opened, ['api/a.ts']);

  const { exports, problems } = await ask(opened);

  t.true(await isFresh(opened));
  t.deepEqual(problems, []);
  t.deepEqual((exports.onRequest as () => unknown)(), ['help', 1, 'small', 'data']);
  t.deepEqual(Object.keys(exports), Object.keys(before.exports));
  t.is(exports.place, before.exports.place);
  t.deepEqual(await survey(opened, [join(opened.root, 'api/a.ts')]), found);
});

test('two readings of one process share what a fresh build evaluated', async (t) => {
  const opened = await builtSite(t);

  const [first, second] = await Promise.all([ask(opened), ask(opened)]);

  t.is(first.exports.onRequest, second.exports.onRequest);
});

test('a build stays fresh when only times, data and files of no concern change', async (t) => {
  const opened = await builtSite(t);
  for (const file of ['api/a.ts', 'tsconfig.json']) await utimes(join(opened.root, file), 1, 1);
  await writeFile(join(opened.root, 'api/data.txt'), 'other data');
  await writeFile(join(opened.root, 'lib/other.ts'), 'export {}');

  t.true(await isFresh(opened));
  t.deepEqual((await ask(opened)).problems, []);
});

test('a site that is moved with its build is served from it, with its own places and packages', async (t) => {
  const opened = await builtSite(t);
  const root = `${opened.root} #2%41`;
  await rename(opened.root, root);
  t.teardown(() => rm(root, { recursive: true, force: true }));

  const { exports, problems } = await ask({ ...opened, root, dataDir: join(root, '.nexthop') });

  t.deepEqual(problems, []);
  t.deepEqual((exports.onRequest as () => unknown)(), ['help', 1, 'small', 'data']);
  t.is((await (exports.later as () => Promise<Exports>)()).name, 'small');
  t.deepEqual(await readdir(join(root, '.nexthop')), ['build'], 'it was imported where it stands');
  t.true(stackOf(exports.fail).includes(`${root}/api/a.ts:5:35`), stackOf(exports.fail));
});

test('a build that stands elsewhere from the site than before serves it too', async (t) => {
  const opened = await builtSite(t);
  const dataDir = join(opened.root, 'far/away/data');
  await mkdir(join(opened.root, 'far/away'), { recursive: true });
  await cp(opened.dataDir, dataDir, { recursive: true });
  await rm(opened.dataDir, { recursive: true });

  const { exports, problems } = await ask({ ...opened, dataDir });

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

test('of builds that are made at once, one stands and is whole', async (t) => {
  const opened = await project(t, FILES);

  await Promise.all(Array.from({ length: 4 }, () => compileAhead(opened, ['api/a.ts'])));

  t.true(await isFresh(opened));
  t.is((await readdir(join(opened.dataDir, 'build'))).filter((name) => name.endsWith('.new')).length, 0);
});

test('a build that is not finished leaves the last one as it was', async (t) => {
  const opened = await builtSite(t);
  await writeFile(join(opened.dataDir, 'build/half.new'), '{');

  t.true(await isFresh(opened));
});

test('what earlier builds left is removed once it is old', async (t) => {
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
