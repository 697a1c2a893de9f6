import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';

/** Two files that import each other; each adds its name to the global `circle` when it runs. */
const CIRCLE = {
  'left.js': `import { right } from './right.js'; globalThis.circle?.push('left');
    export const left = () => 'left of ' + right.name; export default left;`,
  'right.js': `import { left } from './left.js'; globalThis.circle?.push('right');
    export function right() { return 'right of ' + left.name; }`,
};

test('helpers that import each other work from every file that imports either, and run once', async (t) => {
  const seen: string[] = [];
  Object.assign(globalThis, { circle: seen });
  const files = {
    ...CIRCLE,
    'a.js': "import { left } from './left.js'; export const a = left();",
    'b.js': "import { right } from './right.js'; export const b = right();",
  };
  const built = await compileSite(t, files, ['a.js', 'b.js']);

  const [a, b] = await Promise.all([built.run('a.js'), built.run('b.js')]);

  t.deepEqual([a?.a, b?.b], ['left of right', 'right of left']);
  t.deepEqual(seen, ['right', 'left']);
});

for (const first of ['a.js', 'b.js']) {
  test(`when a helper in a circle throws, all files that import from the circle fail, with ${first} loaded first`, async (t) => {
    const files = {
      'left.js': "import { right } from './right.js'; throw new Error('no database'); export const left = right;",
      'right.js': "import { left } from './left.js'; export const right = () => left;",
      'a.js': "import { left } from './left.js'; export const a = left;",
      'b.js': "import { right } from './right.js'; export const b = right;",
      'c.js': "export const c = () => import('./right.js');",
    };
    const built = await compileSite(t, files, ['a.js', 'b.js', 'c.js']);
    const { c } = await built.run('c.js');

    const error = await t.throwsAsync(built.run(first), { message: 'no database' });

    for (const file of ['a.js', 'b.js']) t.is(await t.throwsAsync(built.run(file)), error);
    t.is(typeof c, 'function');
    t.like(built.explain('b.js', error), { file: 'left.js', line: 1, column: 43 });
  });
}

test('helpers in a circle that cannot be compiled break only the files that import them', async (t) => {
  const files = {
    'left.mjs': "import { right } from './right.mjs'; export const left = ];",
    'right.mjs': "import { left } from './left.mjs'; import 'no-such'; export const right = left;",
    'a.js': "import { left } from './left.mjs'; export { left };",
    'b.js': "import { right } from './right.mjs'; export { right };",
    'c.js': 'export const c = 1;',
  };

  const built = await compileSite(t, files, ['a.js', 'b.js', 'c.js']);

  t.deepEqual(built.problems.map(({ file }) => file).sort(), ['left.mjs', 'right.mjs']);
  await t.throwsAsync(built.run('a.js'));
  await t.throwsAsync(built.run('b.js'));
  t.is((await built.run('c.js')).c, 1);
});
