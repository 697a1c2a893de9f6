import { join } from 'node:path';
import test from 'ava';
import { LONG_TESTS, longFirst } from './helpers/long-first.ts';
import { quickTests, SLOW_FILES, SLOW_IMPORTS } from './helpers/quick-tests.ts';
import { fakeSourceTree, readSourceTree } from './helpers/source-tree.ts';

const files = await readSourceTree(join(import.meta.dirname, '..'), ['test']);
const paths = files.map(({ path }) => path);

test('a third of the test files are quick', (t) => {
  const all = paths.filter((path) => !path.startsWith('test/helpers/'));

  t.true(quickTests(files).length > all.length / 3, `${quickTests(files).length} of ${all.length}`);
});

test('the helpers that are named as slow exist', (t) => {
  const helpers = SLOW_IMPORTS.filter((name) => name.startsWith('test/'));

  t.deepEqual(
    helpers.filter((path) => !paths.includes(path)),
    [],
  );
});

test('the files that are named as slow exist, and would be quick tests by their imports', (t) => {
  const quick = quickTests(files);

  t.deepEqual(
    quickTests(files, []).filter((path) => !quick.includes(path)),
    SLOW_FILES,
  );
});

test('a test file that starts a process, by itself or through helpers, is no quick one', async (t) => {
  const tree = await fakeSourceTree({
    'test/a.ts': `import { spawn } from 'node:child_process';\nspawn('a');`,
    'test/hop/b.ts': `import { c } from '../helpers/c.ts';\nc();`,
    'test/hop/d.ts': `import { join } from 'node:path';\njoin('a');`,
    'test/helpers/c.ts': `import { run } from './e.ts';\nexport const c = run;`,
    'test/helpers/e.ts': `import { exec } from 'node:child_process';\nexport const run = exec;`,
  });

  t.deepEqual(quickTests(tree), ['test/hop/d.ts']);
});

test('npm test begins with the files that take longest, and runs each file once', async (t) => {
  const order = await longFirst(import.meta.dirname);

  t.deepEqual(
    order.map((path) => `test/${path}`).toSorted(),
    paths.filter((path) => !path.startsWith('test/helpers/')).toSorted(),
  );
  t.is(order[0], LONG_TESTS[0]);
  t.deepEqual(
    LONG_TESTS.filter((long) => !order.some((path) => path.startsWith(long))),
    [],
  );
});
