import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Project } from '../../../src/contract/project.ts';
import type { SiteCode } from '../../../src/contract/site-code.ts';
import { compile, type Exports } from '../../../src/dialects/loader/compile.ts';
import { LoadedCode } from '../../../src/site/loaded-code.ts';
import { compileAhead } from '../../helpers/built-site.ts';
import { project } from '../../helpers/project.ts';

const FILES = {
  'a.ts': `export const state = { place: import.meta.filename }; export const fail = () => { throw new Error('no'); };`,
};

test('unchanged code keeps its state in the next reading, without a build and with one', async (t) => {
  for (const prepare of [async () => {}, (opened: Project) => compileAhead(opened, ['a.ts'])]) {
    const opened = await project(t, FILES);
    await prepare(opened);
    const first = new LoadedCode();
    const before = await load(opened, first);

    const second = new LoadedCode(first);
    const after = await load(opened, second);
    const later = await load(opened, new LoadedCode(second));

    t.is(after.state, before.state);
    t.is(later.state, before.state, 'the third reading gets it from the second');
  }
});

test('changed code is loaded again, and code that is changed back has the state of the reading in use', async (t) => {
  const opened = await project(t, FILES);
  const inUse = new LoadedCode();
  const before = await load(opened, inUse);

  await writeFile(join(opened.root, 'a.ts'), `${FILES['a.ts']} export const more = 1;`);
  const changed = await load(opened, new LoadedCode(inUse));
  await writeFile(join(opened.root, 'a.ts'), FILES['a.ts']);
  const back = await load(opened, new LoadedCode(inUse));

  t.not(changed.state, before.state);
  t.is(back.state, before.state);
});

test('the same code with other variables is loaded again, without a build and with one, and its stacks name the file', async (t) => {
  for (const prepare of [async () => {}, (opened: Project) => compileAhead(opened, ['a.ts'])]) {
    const opened = await project(t, FILES);
    await prepare(opened);
    const inUse = new LoadedCode();
    const before = await load({ ...opened, env: { A: '1' } }, inUse);

    const after = await load({ ...opened, env: { A: '2' } }, new LoadedCode(inUse));

    t.not(after.state, before.state);
    t.deepEqual(after.state, before.state);
    t.regex(stackOf(after.fail), new RegExp(`${opened.root}/a\\.ts:1:\\d+`));
  }
});

test('code of which a part failed to load is loaded again', async (t) => {
  const opened = await project(t, {
    'a.ts': `if (!globalThis.databaseIsUp) throw new Error('down'); export const state = {};`,
  });
  const inUse = new LoadedCode();
  await t.throwsAsync(load(opened, inUse), { message: 'down' });

  Object.assign(globalThis, { databaseIsUp: true });

  t.deepEqual((await load(opened, new LoadedCode(inUse))).state, {});
});

test('a module that does not load holds no newer reading up, if its file has code that worked', async (t) => {
  const opened = await project(t, { 'a.ts': 'export const n = 1;' });
  const inUse = new LoadedCode();
  await load(opened, inUse);
  inUse.keepGood('a.ts', { exports: { n: 1 }, code: {} as SiteCode });
  await writeFile(join(opened.root, 'a.ts'), 'await new Promise(() => {}); export const n = 2;');
  const hasNoEnd = 3_600_000;

  await t.throwsAsync(load(opened, new LoadedCode(inUse, undefined, () => true), hasNoEnd), { message: 'slow' });
  await writeFile(join(opened.root, 'a.ts'), 'export const n = 3;');

  t.is((await load(opened, new LoadedCode(inUse))).n, 3);
});

async function load(opened: Project, warmCode: LoadedCode, limitMs?: number): Promise<Exports> {
  const file = join(opened.root, 'a.ts');
  const compiled = await compile({ ...opened, warmCode }, { files: [file] });
  const loaded = await compiled.load(file, limitMs);
  if (loaded.state !== 'ready') throw new Error(loaded.state);
  return loaded.exports;
}

function stackOf(fail: unknown): string {
  try {
    (fail as () => void)();
  } catch (error) {
    return String((error as Error).stack);
  }
  return '';
}
