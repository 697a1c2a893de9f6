import { join } from 'node:path';
import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';

test('a file that does not parse is named with line and column, and the others run', async (t) => {
  const files = {
    'bad.js': 'export const a = 1;\nexport const b = ];',
    'good.js': 'export const good = true;',
  };

  const built = await compileSite(t, files, ['bad.js', 'good.js']);

  t.deepEqual(built.problems, [{ severity: 'error', file: 'bad.js', line: 2, column: 18, message: 'Unexpected "]"' }]);
  t.true((await built.run('good.js')).good);
  await t.throwsAsync(built.run('bad.js'), { message: 'bad.js:2:18: Unexpected "]"' });
});

test('the column is right on a first line that mentions __dirname', async (t) => {
  const built = await compileSite(t, { 'bad.js': 'export const b = __dirname + ];' }, ['bad.js']);

  t.like(built.problems[0], { line: 1, column: 30 });
});

for (const type of ['module', 'commonjs']) {
  test(`a helper that does not parse costs only those who import it, in a site of type ${type}`, async (t) => {
    const files = {
      'package.json': JSON.stringify({ type }),
      'helper.ts': 'export const help = (;',
      'a.ts': "import def, { help, more } from './helper'; export const a = [def, help, more];",
      'b.ts': 'export const b = 1;',
      'c.ts': "export const c = () => import('./helper');",
    };

    const built = await compileSite(t, files, ['a.ts', 'b.ts', 'c.ts']);

    t.deepEqual(
      built.problems.map(({ file }) => file),
      ['helper.ts'],
    );
    await t.throwsAsync(built.run('a.ts'), { message: /^helper\.ts:1:22: / });
    t.is((await built.run('b.ts')).b, 1);
    const { c } = await built.run('c.ts');
    await t.throwsAsync((c as () => Promise<unknown>)(), { message: /^helper\.ts:1:22: / });
  });
}

for (const missing of ['./missing.js', 'no-such-package']) {
  test(`a missing import (${missing}) is named where it stands and costs its own file alone`, async (t) => {
    const files = { 'a.js': `\nimport x from '${missing}'; export { x };`, 'b.js': 'export const b = 1;' };

    const built = await compileSite(t, files, ['a.js', 'b.js']);

    t.deepEqual(built.problems, [
      { severity: 'error', file: 'a.js', line: 2, column: 15, message: `Could not resolve "${missing}"` },
    ]);
    t.is((await built.run('b.js')).b, 1);
  });
}

test('a package that may be missing can be tried for', async (t) => {
  const files = {
    'a.cjs': "let found = true; try { require('no-such-package') } catch { found = false } exports.found = found;",
  };

  const built = await compileSite(t, files, ['a.cjs']);

  t.deepEqual(built.problems, []);
  t.false((await built.run('a.cjs')).found);
});

test('a module that throws fails again with the same error, and so does whoever imports it', async (t) => {
  const files = {
    'pool.js': "throw new Error('no database')",
    'a.js': "import './pool.js'; export const a = 1;",
    'b.js': "import './pool.js'; export const b = 1;",
  };
  const built = await compileSite(t, files, ['a.js', 'b.js']);

  const first = await t.throwsAsync(built.run('a.js'), { message: 'no database' });

  t.is(await t.throwsAsync(built.run('b.js')), first);
  t.is(await t.throwsAsync(built.run('a.js')), first);
});

test('a module that never finishes loading is given up after a while, and the others are there', async (t) => {
  const files = {
    'a.js': 'await new Promise(() => {}); export const a = 1;',
    'b.js': 'export const b = await Promise.resolve(1);',
  };
  const built = await compileSite(t, files, ['a.js', 'b.js']);

  t.is((await built.load(join(built.root, 'a.js'), 20)).state, 'slow');
  t.is((await built.run('b.js')).b, 1);
});
