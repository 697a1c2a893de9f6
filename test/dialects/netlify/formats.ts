import { join } from 'node:path';
import test from 'ava';
import { compileSite } from '../../helpers/compiled-site.ts';

interface Row {
  readonly title: string;
  /** Relative to `netlify/functions` for the main file `a.*`, otherwise relative to the root of the site. */
  readonly files: Readonly<Record<string, string>>;
  /** The result of the default export, or of its own default export. */
  readonly answer: unknown;
}

const ROWS: readonly Row[] = [
  {
    title: 'modules in .js without "type"',
    files: { 'a.js': 'export default () => typeof exports;' },
    answer: 'undefined',
  },
  { title: 'modules in .ts without "type"', files: { 'a.ts': 'export default (): number => 1;' }, answer: 1 },
  { title: '.mjs', files: { 'a.mjs': 'export default () => 1;' }, answer: 1 },
  { title: '.mts', files: { 'a.mts': 'export default (): number => 1;' }, answer: 1 },
  {
    title: '.tsx',
    files: { 'a.tsx': 'export default (): string => typeof ((<T,>(x: T) => x)(1));' },
    answer: 'number',
  },
  { title: '.cjs', files: { 'a.cjs': 'module.exports = () => [typeof module, 1];' }, answer: ['object', 1] },
  { title: '.cts', files: { 'a.cts': "import path = require('node:path'); export = () => path.sep;" }, answer: '/' },
  {
    title: 'a default of CommonJS that a compiler made',
    files: { 'a.js': "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = () => 1;" },
    answer: 1,
  },
  {
    title: 'CommonJS below "type": "module" by its extension',
    files: { 'package.json': '{"type": "module"}', 'a.cjs': 'exports.default = () => typeof exports;' },
    answer: 'object',
  },
  {
    title: 'relative imports without an extension, and with the one of the result',
    files: {
      'lib/one.ts': 'export const one = 1;',
      'lib/two.mts': 'export const two = 2;',
      'lib/three/index.ts': 'export const three = 3;',
      'lib/four.mjs': 'export const four = 4;',
      'a.mts': `import { one } from '../../lib/one'; import { one as again } from '../../lib/one.js';
        import { two } from '../../lib/two.mjs'; import { two as more } from '../../lib/two.mts'; import { three } from '../../lib/three';
        import { two as same } from '../../lib/two'; import { four } from '../../lib/four';
        export default () => [one, again, two, more, three, same, four];`,
    },
    answer: [1, 1, 2, 2, 3, 2, 4],
  },
  {
    title: 'paths of the tsconfig beside the functions',
    files: {
      'netlify/functions/tsconfig.json': '{"compilerOptions": {"paths": {"@/*": ["../../lib/*"]}}}',
      'lib/one.ts': 'export const one = 1;',
      'a.ts': "import { one } from '@/one'; export default () => one;",
    },
    answer: 1,
  },
  {
    title: 'paths and baseUrl of the tsconfig of the site',
    files: {
      'tsconfig.json': '{"compilerOptions": {"baseUrl": ".", "paths": {"~/*": ["./lib/*"]}}}',
      'lib/one.ts': 'export const one = 1;',
      'a.ts': "import { one } from '~/one'; import { one as again } from 'lib/one'; export default () => [one, again];",
    },
    answer: [1, 1],
  },
  {
    title: 'types imported beside values without saying so',
    files: {
      'a.mts': `import { Config, Context } from '@netlify/functions'; import { Handler, builder } from '@netlify/functions';
        export const config: Config = { path: '/x' };
        export default (request: Request, context: Context) => typeof (builder as unknown as Handler);`,
    },
    answer: 'function',
  },
  {
    title: 'enums, namespaces, parameter properties and decorators',
    files: {
      'tsconfig.json': '{"compilerOptions": {"experimentalDecorators": true}}',
      'a.ts': `enum Side { Left = 2 } namespace Units { export const metre = 1; }
        const seen: string[] = []; const note = (_: object, key: string) => void seen.push(key);
        class Box { constructor(readonly size: number) {} @note open() {} }
        export default () => [Side.Left, Units.metre, new Box(3).size, seen];`,
    },
    answer: [2, 1, 3, ['open']],
  },
  {
    title: 'require, __dirname and __filename in a module',
    files: {
      'package.json': '{"type": "module"}',
      'netlify/functions/data.json': '{"a": 1}',
      'a.mts': `const { basename } = require('node:path'); const { a } = require('./data.json');
        export default () => [a, basename(__dirname), basename(__filename), basename(import.meta.url)];`,
    },
    answer: [1, 'functions', 'a.mts', 'a.mts'],
  },
  {
    title: 'JSON, with and without its type',
    files: {
      'lib/data.json': '{"a": 1}',
      'a.mts': `import data from '../../lib/data.json'; import typed from '../../lib/data.json' with { type: 'json' };
        export default () => [data, typed];`,
    },
    answer: [{ a: 1 }, { a: 1 }],
  },
  {
    title: 'names of packages of CommonJS, and their whole as the default, in a module',
    files: {
      'netlify/node_modules/old/package.json': '{"main": "main.js"}',
      'netlify/node_modules/old/main.js': 'exports.kebab = () => "a-b";',
      'a.mts': "import old, { kebab } from 'old'; export default () => [old.kebab(), kebab()];",
    },
    answer: ['a-b', 'a-b'],
  },
  {
    title: 'await at the top of a module',
    files: { 'a.mts': 'const one = await Promise.resolve(1); export default () => one;' },
    answer: 1,
  },
];

for (const { title, files, answer } of ROWS) {
  test(`a function runs as the platform's builder compiles it: ${title}`, async (t) => {
    const placed = Object.entries(files).map(([path, text]) => [isMain(path) ? join(FOLDER, path) : path, text]);
    const main = Object.keys(files).find(isMain) ?? '';
    const built = await compileSite(t, Object.fromEntries(placed), [join(FOLDER, main)]);

    t.deepEqual(built.problems, []);
    const { default: standard } = await built.run(join(FOLDER, main));
    t.deepEqual(withoutDefault(standard)(), answer);
  });
}

const FOLDER = 'netlify/functions';

function isMain(path: string): boolean {
  return /^a\.[cm]?[jt]sx?$/.test(path);
}

/** Calls the function as the runtime does. */
function withoutDefault(value: unknown): () => unknown {
  const inner = typeof value === 'object' && value !== null && 'default' in value ? value.default : value;
  if (typeof inner !== 'function') throw new TypeError(`no function but ${typeof inner}`);
  return () => inner();
}
