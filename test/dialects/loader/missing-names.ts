import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';

const PACKAGES = {
  'api/node_modules/modern/package.json': '{"type": "module", "exports": "./main.js"}',
  'api/node_modules/modern/main.js':
    "export * from './more.js'; export let count = 0; export const add = () => ++count;",
  'api/node_modules/modern/more.js':
    "export * from './main.js'; export const hello = 'hello'; const ab = 1; export { ab as 'a-b' }; export default 1;",
  'api/node_modules/slow/package.json': '{"type": "module", "exports": "./main.js"}',
  'api/node_modules/slow/main.js': 'export const hello = await Promise.resolve(1);',
  'api/node_modules/old/package.json': '{"main": "main.js"}',
  'api/node_modules/old/main.js': 'exports.hello = 1;',
  'api/node_modules/mixed/package.json': '{"type": "module", "exports": "./main.js"}',
  'api/node_modules/mixed/main.js': "export * from 'old'; export const own = 1;",
};

const NODE = `node:path of Node.js ${process.version}`;

/** An import, and the message about it in a file that runs as an ES module. */
const WRONG = [
  ["import { helo } from 'modern';", 'package `modern` does not export "helo"; did you mean hello?'],
  ["import { zzz } from 'modern';", 'package `modern` does not export "zzz"; correct the name'],
  ["import modern from 'modern';", 'package `modern` has no default export: import its names'],
  ["import { helo } from 'slow';", 'package `slow` does not export "helo"; did you mean hello?'],
  ["import { jion } from 'node:path';", `${NODE} does not export "jion"; did you mean join?`],
] as const;

for (const [statement, message] of WRONG) {
  const name = /\w+/.exec(statement.slice(7))?.[0];
  const text = `\n${statement}\nexport const kind = typeof ${name};`;

  test(`${statement} breaks a file that runs as an ES module, with its line and the nearest name`, async (t) => {
    const files = {
      ...PACKAGES,
      'api/a.mjs': text,
      'api/b.mjs': "import { add } from 'modern'; export const kind = typeof add;",
    };
    const built = await compileSite(t, files, ['api/a.mjs', 'api/b.mjs']);

    const problem = built.explain('api/a.mjs', await t.throwsAsync(built.run('api/a.mjs')));

    t.like(problem, { severity: 'error', file: 'api/a.mjs', line: 2, message });
    t.is((await built.run('api/b.mjs')).kind, 'function');
  });

  test(`${statement} is a warning in a file that the platform compiles to CommonJS`, async (t) => {
    const built = await compileSite(t, { ...PACKAGES, 'api/a.ts': text }, ['api/a.ts']);

    t.like(built.problems, [{ severity: 'warning', file: 'api/a.ts', line: 2 }]);
    t.is((await built.run('api/a.ts')).kind, name === 'modern' ? 'object' : 'undefined');
  });
}

for (const type of ['module', 'commonjs']) {
  test(`names that are exported, or may be, are imported in a site of type ${type}`, async (t) => {
    const files = {
      ...PACKAGES,
      'package.json': JSON.stringify({ type }),
      'api/types.ts':
        "import { Shape } from 'modern'; export { Kind } from 'modern'; export type { Other } from 'modern';",
      'api/a.ts': `import { hello, count, add, 'a-b' as ab } from 'modern'; import { hello as old, nope } from 'old';
        import { hello as mixed, own, none } from 'mixed'; import { hello as slow } from 'slow'; import * as all from 'modern';
        import path, { sep } from 'node:path'; import * as paths from 'path'; import { Shape, type Kind } from 'modern';
        import './types.ts'; export * from 'modern';
        const shape: Shape = add();
        export const answer = [hello, ab, shape, count, old, nope, mixed, own, none, slow, Object.keys(all).sort().join()];
        export const same = path.sep === sep && paths.default === path && paths.sep === sep;`,
    };
    const built = await compileSite(t, files, ['api/a.ts']);

    const { answer, same, hello } = await built.run('api/a.ts');

    t.deepEqual(built.problems, []);
    t.deepEqual(answer, ['hello', 1, 1, 1, 1, undefined, 1, 1, undefined, 1, 'a-b,add,count,hello']);
    t.true(same);
    t.is(hello, 'hello');
  });
}

test('a wrong name in a helper breaks only the files that import it', async (t) => {
  const files = {
    ...PACKAGES,
    'package.json': '{"type": "module"}',
    'api/lib/help.ts': "import { helo } from 'modern';\nexport const help = () => helo;",
    'api/a.ts': "import { help } from './lib/help.ts'; export const a = help;",
    'api/b.ts': "import { hello } from 'modern'; export const b = hello;",
  };
  const built = await compileSite(t, files, ['api/a.ts', 'api/b.ts']);

  t.like(built.problems, [{ severity: 'error', file: 'api/lib/help.ts', line: 1, column: 10 }]);
  await t.throwsAsync(built.run('api/a.ts'));
  t.is((await built.run('api/b.ts')).b, 'hello');
});
