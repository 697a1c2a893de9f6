import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

interface Row {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** Expected value of the export `answer` of a.ts. */
  readonly answer: unknown;
}

const ROWS: readonly Row[] = [
  {
    title: 'standard decorators',
    files: {
      'a.ts': `const twice = (method: (n: number) => number, _: ClassMethodDecoratorContext) => (n: number) => 2 * method(n);
        class Counter { @twice add(n: number): number { return n + 1; } }
        export const answer = new Counter().add(1);`,
    },
    answer: 4,
  },
  {
    title: 'experimental decorators, by the tsconfig',
    files: {
      'tsconfig.json': '{"compilerOptions": {"experimentalDecorators": true}}',
      'a.ts': `const seen: unknown[] = [];
        const note = (target: object, key: string, index?: unknown) => void seen.push([key, typeof index]);
        class Model { @note name = 'x'; find(@note id: number) { return id; } }
        export const answer = [seen, new Model().name];`,
    },
    answer: [
      [
        ['name', 'undefined'],
        ['find', 'number'],
      ],
      'x',
    ],
  },
  {
    title: 'enums, const enums, namespaces and parameter properties',
    files: {
      'a.ts': `enum Side { Left = 2, Right } const enum Size { Big = 'big' } namespace Units { export const metre = 1; }
        class Box { constructor(readonly size: Size) {} }
        export const answer = [Side.Right, Side[2], new Box(Size.Big).size, Units.metre];`,
    },
    answer: [3, 'Left', 'big', 1],
  },
  {
    title: 'types imported and exported without the keyword type',
    files: {
      'types.ts': 'export interface User { name: string } export type Id = number;',
      'a.ts': `import { User, Id } from './types'; export { User }; const user: User = { name: 'x' };
        export const answer = user.name as string | Id;`,
    },
    answer: 'x',
  },
  {
    title: 'imports with .js, .mjs and .jsx of TypeScript files',
    files: {
      'one.ts': 'export const one = 1;',
      'two.mts': 'export const two: number = 2;',
      'three.tsx': 'export const three: number = 3;',
      'a.ts': `import { one } from './one.js'; import { two } from './two.mjs'; import { three } from './three.jsx';
        export const answer = [one, two, three];`,
    },
    answer: [1, 2, 3],
  },
  {
    title: 'paths of a tsconfig that is extended, with a folder as a module',
    files: {
      'tsconfig.json': '{"extends": ["./config/base.json"]}',
      'config/base.json': '{"compilerOptions": {"paths": {"~/*": ["../src/*"]}}} // base',
      'src/db/index.ts': "export const db = 'db';",
      'a.ts': "import { db } from '~/db'; export const answer = db;",
    },
    answer: 'db',
  },
  {
    title: 'JSX with the runtime of the tsconfig',
    files: {
      'tsconfig.json': '{"compilerOptions": {"jsx": "react-jsx", "jsxImportSource": "tiny"}}',
      'node_modules/tiny/package.json': '{"type": "module", "exports": {"./jsx-runtime": "./runtime.js"}}',
      'node_modules/tiny/runtime.js': 'export const jsx = (name, { children }) => [name, children];',
      'view.tsx': 'export const View = (): unknown => <p>hello</p>;',
      'a.ts': "import { View } from './view'; export const answer = View();",
    },
    answer: ['p', 'hello'],
  },
  {
    title: 'JSON by import, by import with a type attribute, and by require',
    files: {
      'data.json': '{"a": 1}',
      'a.ts': `import data from './data.json'; import typed from './data.json' with { type: 'json' };
        import { a } from './data.json'; export const answer = [data, typed, a, require('./data.json')];`,
    },
    answer: [{ a: 1 }, { a: 1 }, 1, { a: 1 }],
  },
  {
    title: '"imports" of the package.json',
    files: {
      'package.json': '{"name": "site", "type": "module", "imports": {"#lib/*": "./lib/*.ts"}}',
      'lib/help.ts': 'export const help = true;',
      'a.ts': "import { help } from '#lib/help'; export const answer = help;",
    },
    answer: true,
  },
  {
    title: 'top-level await in a file and in a helper',
    files: {
      'slow.ts': 'export const slow = await new Promise((go) => setTimeout(go, 5, "slow"));',
      'a.ts': "import { slow } from './slow'; export const answer = [slow, await 1];",
    },
    answer: ['slow', 1],
  },
];

for (const { title, files, answer } of ROWS) {
  test(`code runs as in bundlers: ${title}`, async (t) => {
    const placed = Object.fromEntries(Object.entries(files).map(([path, text]) => [join('site', path), text]));
    const built = await compileSite(t, placed, ['site/a.ts']);

    t.deepEqual(built.problems, []);
    t.deepEqual((await built.run('site/a.ts')).answer, answer);
  });
}

test('a native addon of a package or of the site is loaded by Node from its own path', async (t) => {
  const files = {
    'site/node_modules/native/package.json': '{"main": "main.js"}',
    'site/node_modules/native/main.js': "module.exports = require('./build/addon.node');",
    'site/node_modules/native/build/addon.node': 'no binary',
    'site/own.node': 'no binary',
    'site/a.ts': "import native from 'native'; export { native };",
    'site/b.ts': "import own from './own.node'; export { own };",
    'site/c.cjs': "exports.own = require('./own.node');",
  };
  const built = await compileSite(t, files, ['site/a.ts', 'site/b.ts', 'site/c.cjs']);

  t.deepEqual(built.problems, []);
  await t.throwsAsync(built.run('site/a.ts'), { code: 'ERR_DLOPEN_FAILED', message: /native\/build\/addon\.node/ });
  await t.throwsAsync(built.run('site/b.ts'), { code: 'ERR_DLOPEN_FAILED', message: /site\/own\.node/ });
  await t.throwsAsync(built.run('site/c.cjs'), { code: 'ERR_DLOPEN_FAILED', message: /site\/own\.node/ });
});

test("an error while a file loads has the user's files and lines in its stack", async (t) => {
  const opened = await project(t, {
    'lib/pool.ts':
      'type Pool = {\n  open: boolean;\n};\nexport function connect(): Pool {\n  throw new Error("refused");\n}',
    'a.ts': "import { connect } from './lib/pool';\n\nexport const pool = connect();",
  });
  const file = join(opened.root, 'a.ts');
  // In a separate process, because ava enables source maps.
  const script = `import { compile } from ${JSON.stringify(import.meta.resolve('../../../src/dialects/loader/compile.ts'))};
    const { load } = await compile(${JSON.stringify(opened)}, { files: [${JSON.stringify(file)}] });
    await load(${JSON.stringify(file)}).catch((error) => process.stdout.write(error.stack));`;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);

  t.true(stdout.includes(`(${opened.root}/lib/pool.ts:5:9)`), stdout);
  t.true(stdout.includes(`${file}:3:21`), stdout);
});
