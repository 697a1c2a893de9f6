import { join } from 'node:path';
import test from 'ava';
import { compile } from '../../../src/dialects/loader/compile.ts';
import { toLoadProblem } from '../../../src/dialects/loader/load-problem.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expected: readonly [location: string, message: string];
}

const ROWS: readonly Row[] = [
  {
    title: 'in the file itself',
    files: { 'a.ts': "interface A {}\n\nconst x = (): A => { throw new TypeError('mine'); };\nx();" },
    expected: ['a.ts:3:28', 'throws while it loads: mine'],
  },
  {
    title: 'in a helper',
    files: { 'a.ts': "import './lib/help';", 'lib/help.tsx': "type A = 1;\n\nthrow new Error('no database');" },
    expected: ['lib/help.tsx:3:7', 'throws while it loads: no database'],
  },
  {
    title: 'in CommonJS, with a message of two lines',
    files: { 'a.ts': "require('./help.cjs');", 'help.cjs': "\n throw new Error('one\\ntwo');" },
    expected: ['help.cjs:2:8', 'throws while it loads: one'],
  },
  {
    title: 'in text that it evaluates',
    files: { 'a.ts': "\n\nnew Function('throw new Error(\\'tpl\\')')();" },
    expected: ['a.ts:3:40', 'throws while it loads: tpl'],
  },
  {
    title: 'a value that is not an Error',
    files: { 'a.ts': "\nthrow 'text';" },
    expected: ['a.ts', 'throws while it loads: text'],
  },
  {
    title: 'in a package of CommonJS',
    files: {
      'a.ts': "\nimport odd from 'odd'; export { odd };",
      'node_modules/odd/index.js': "\nthrow new Error('no binary');",
    },
    expected: ['a.ts:2:17', 'package `odd` throws while it loads: no binary'],
  },
  {
    title: 'in a package of ES modules with a syntax error',
    files: {
      'a.ts': "\nimport { odd } from '@x/odd/part.mjs'; export { odd };",
      'node_modules/@x/odd/part.mjs': '\nexport const odd = ];',
    },
    expected: ['a.ts:2:1', "package `@x/odd` throws while it loads: Unexpected token ']'"],
  },
  {
    title: 'in a package whose dependency is missing',
    files: { 'a.ts': "import 'odd';", 'node_modules/odd/index.js': "\nrequire('@no/such/part');" },
    expected: [
      'a.ts:1:8',
      "package `odd` throws while it loads: Cannot find module '@no/such/part': npm install @no/such",
    ],
  },
];

for (const { title, files, expected } of ROWS) {
  test(`an error while a file loads is reported with its location: ${title}`, async (t) => {
    const placed = Object.entries(files).map(([path, text]) => [join('api', path), text]);
    const built = await compileSite(t, Object.fromEntries(placed), ['api/a.ts']);

    const error = await t.throwsAsync(built.run('api/a.ts'), { any: true });

    t.deepEqual(built.problems, []);
    const { severity, message, ...location } = built.explain(join(built.root, 'api/a.ts'), error);
    t.is(severity, 'error');
    t.deepEqual([Object.values(location).join(':'), message], [`api/${expected[0]}`, expected[1]]);
  });
}

test('an error of a helper outside of the site is reported by its path relative to the site', async (t) => {
  const opened = await project(t, { 'lib/help.ts': "\nthrow new Error('x');", 'site/a.ts': "import '../lib/help';" });
  const root = join(opened.root, 'site');
  const { load, explain } = await compile({ ...opened, root }, { files: [join(root, 'a.ts')] });

  const error = await t.throwsAsync(load(join(root, 'a.ts')));

  t.like(explain(join(root, 'a.ts'), error), { file: '../lib/help.ts', line: 2, column: 7 });
});

test('the location is the innermost file of the site in the stack', (t) => {
  const error = Object.assign(new Error('x'), {
    stack: [
      'Error: x at /site/not/a/frame.js:1:1',
      '    at node:internal/x:1:1',
      '    at f (/site/node_modules/odd/a.js:1:1)',
      '    at g (file:///site/.nexthop/functions/run-aB3_-x/functions.cjs:7:1)',
      '    at async Promise.all (index 0)',
      '    at new Thing (file:///site/with%20space/b.ts:12:34)',
      '    at /site/c.ts:1:1',
    ].join('\n'),
  });

  const problem = toLoadProblem({ root: '/site', file: '/site/c.ts', error });

  t.deepEqual(problem, {
    severity: 'error',
    file: 'with space/b.ts',
    line: 12,
    column: 34,
    message: 'throws while it loads: x',
  });
});

test('an error without a stack, or with one that is not text, is reported for the file that was loaded', (t) => {
  for (const stack of [undefined, [], 1]) {
    const error = Object.assign(new Error('x'), { stack });
    t.is(toLoadProblem({ root: '/site', file: '/site/c.ts', error }).file, 'c.ts');
  }
});
