import { join } from 'node:path';
import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';

test('a file with a syntax error is reported with line and column, and the others run', async (t) => {
  const files = {
    'bad.js': 'export const a = 1;\nexport const b = ];',
    'good.js': 'export const good = true;',
  };

  const built = await compileSite(t, files, ['bad.js', 'good.js']);

  t.deepEqual(built.problems, [{ severity: 'error', file: 'bad.js', line: 2, column: 18, message: 'Unexpected "]"' }]);
  t.true((await built.run('good.js')).good);
  await t.throwsAsync(built.run('bad.js'), { message: 'bad.js:2:18: Unexpected "]"' });
});

test('the column is correct on a first line that contains __dirname', async (t) => {
  const built = await compileSite(t, { 'bad.js': 'export const b = __dirname + ];' }, ['bad.js']);

  t.like(built.problems[0], { line: 1, column: 30 });
});

for (const type of ['module', 'commonjs']) {
  test(`a helper with a syntax error breaks only the files that import it, in a site of type ${type}`, async (t) => {
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

const MISTAKES = {
  'a syntax error': { text: '\n ];', line: 2, column: 2, message: /^Unexpected "\]"$/ },
  'a package that is missing': {
    text: "\nimport x from 'no-such-package'; export { x as help, x as default };",
    line: 2,
    column: 15,
    message: /^package `no-such-package` is not installed: npm install no-such-package$/,
  },
  'a name that its module does not export': {
    text: "import { twoo } from './other.mjs'; export const help = twoo; export default twoo;",
    line: 1,
    column: 10,
    message: /^No matching export in "other\.mjs" for import "twoo": /,
  },
} as const;

for (const [title, { text, line, column, message }] of Object.entries(MISTAKES)) {
  for (const extension of ['js', 'cjs', 'mjs', 'jsx', 'ts', 'cts', 'mts', 'tsx']) {
    test(`${title} in a .${extension} breaks only the files that import it, and is reported once with its location`, async (t) => {
      const files = {
        [`help.${extension}`]: text,
        'other.mjs': 'export const two = 2;',
        'a.js': `import def, { help } from './help.${extension}'; export { def, help };`,
        'b.mjs': `export * from './help.${extension}'; export const b = 1;`,
        'c.mts': `export const c = () => import('./help.${extension}');`,
      };

      const built = await compileSite(t, files, [`help.${extension}`, 'a.js', 'b.mjs', 'c.mts']);

      t.deepEqual(
        built.problems.map((each) => [each.severity, each.file, each.line, each.column, message.test(each.message)]),
        [['error', `help.${extension}`, line, column, true]],
      );
      const { c } = await built.run('c.mts');
      const loads = [
        built.run('a.js'),
        built.run('b.mjs'),
        built.run(`help.${extension}`),
        (c as () => Promise<unknown>)(),
      ];
      for (const load of loads) {
        const error = await t.throwsAsync(load);
        t.regex(String(error?.stack), new RegExp(`help\\.${extension}:${line}:${column}`));
        t.notRegex(String(error?.stack), /broken|unresolved|stand/);
        t.deepEqual(built.explain('a.js', error), built.problems[0]);
      }
    });
  }
}

test('a column is counted in characters, not in bytes', async (t) => {
  const built = await compileSite(t, { 'bad.js': 'export const 报告 = ];' }, ['bad.js']);

  t.like(built.problems[0], { line: 1, column: 19 });
});

test('an invalid JSON file, and a file that is not code, break only the files that import them', async (t) => {
  const files = {
    'data.json': '{\n  "a": \n}',
    'picture.png': 'x',
    'a.js': "import data from './data.json'; export { data };",
    'b.js': "const data = require('./data.json'); exports.data = data;",
    'c.js': "\nimport picture from './picture.png'; export { picture };",
    'd.js': 'export const d = 1;',
  };

  const built = await compileSite(t, files, ['a.js', 'b.js', 'c.js', 'd.js']);

  t.deepEqual(built.problems.map(({ file, line }) => [file, line]).sort(), [
    ['c.js', 2],
    ['data.json', 3],
  ]);
  t.regex(built.problems.find(({ file }) => file === 'c.js')?.message ?? '', /^picture\.png is not code/);
  for (const file of ['a.js', 'b.js', 'c.js']) await t.throwsAsync(built.run(file), { instanceOf: SyntaxError });
  t.is((await built.run('d.js')).d, 1);
});

test('an error in a data: URL breaks only the function that imports it', async (t) => {
  const files = {
    'a.js': "import 'data:text/javascript,export default ];'; export const a = 1;",
    'b.js': 'export const b = 1;',
  };

  const built = await compileSite(t, files, ['a.js', 'b.js']);

  t.like(built.problems, [{ severity: 'error', file: 'a.js' }]);
  t.regex(built.problems[0]?.message ?? '', /^cannot be compiled: Unexpected "\]"/);
  await t.throwsAsync(built.run('a.js'), { message: /Unexpected "\]"/ });
  t.is((await built.run('b.js')).b, 1);
});

test('a module that throws, and the files that import it, fail again with the same error', async (t) => {
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

test('a module that never finishes loading is slow, and the others are loaded', async (t) => {
  const files = {
    'a.js': 'await new Promise(() => {}); export const a = 1;',
    'b.js': 'export const b = await Promise.resolve(1);',
  };
  const built = await compileSite(t, files, ['a.js', 'b.js']);

  t.is((await built.load(join(built.root, 'a.js'), 20)).state, 'slow');
  t.is((await built.run('b.js')).b, 1);
});

test('a file with special characters in its name is compiled, and reported by its name', async (t) => {
  const files = {
    'a*b.js': "export const a = 'star';",
    'c d#e?.js': "export const a = 'others';",
    'f"g*.js': '\nexport const a = ];',
  };

  const built = await compileSite(t, files, Object.keys(files));

  t.like(built.problems, [{ file: 'f"g*.js', line: 2 }]);
  t.is(built.problems.length, 1);
  t.is((await built.run('a*b.js')).a, 'star');
  t.is((await built.run('c d#e?.js')).a, 'others');
  await t.throwsAsync(built.run('f"g*.js'), { instanceOf: SyntaxError });
});
