import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { compile } from '../../../src/dialects/loader/compile.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

test('TypeScript runs as in bundlers: type imports without type, enums, paths of a tsconfig, no extensions', async (t) => {
  const files = {
    'tsconfig.json': '{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["lib/*"]}}}',
    'lib/shape.ts': 'export interface Shape { sides: number }\nexport const square = { sides: 4 };',
    'a.ts': [
      "import { Shape, square } from '@/shape';",
      "import { again } from './again.js';",
      'enum Side { Left = 2, Right }',
      'export const shape: Shape = square;',
      'export const right = Side.Right + again;',
    ].join('\n'),
    'again.ts': 'export const again = 10;',
  };

  const exports = await (await compileSite(t, files, ['a.ts'])).run('a.ts');

  t.deepEqual(exports.shape, { sides: 4 });
  t.is(exports.right, 13);
});

test('a helper is evaluated once for all files and all kinds of import', async (t) => {
  const files = {
    'helper.js':
      'globalThis.helperRuns = (globalThis.helperRuns ?? 0) + 1; export const state = { runs: globalThis.helperRuns };',
    'a.js': "export { state } from './helper.js';",
    'b.ts': "import { state } from './helper'; export { state };",
    'c.cjs': "exports.state = require('./helper').state;",
  };
  const built = await compileSite(t, files, ['a.js', 'b.ts', 'c.cjs']);

  const [a, b, c] = await Promise.all(['a.js', 'b.ts', 'c.cjs'].map((file) => built.run(file)));

  t.deepEqual(a?.state, { runs: 1 });
  t.is(a?.state, b?.state);
  t.is(a?.state, c?.state);
});

test('a file that is not loaded is not evaluated', async (t) => {
  const files = { 'a.js': 'export const a = 1;', 'b.js': 'globalThis.mustNotRun = true;' };

  await (await compileSite(t, files, ['a.js', 'b.js'])).run('a.js');

  t.false('mustNotRun' in globalThis);
});

test('data beside a file is found from ES modules and from CommonJS', async (t) => {
  const files = {
    'api/data.txt': 'here',
    'api/module.mjs': [
      "import { readFileSync } from 'node:fs';",
      "export const texts = [new URL('./data.txt', import.meta.url), import.meta.dirname + '/data.txt', __dirname + '/data.txt']",
      "  .map((place) => readFileSync(place, 'utf8'));",
      'export const names = [import.meta.filename, __filename];',
    ].join('\n'),
    'api/common.cjs': "exports.text = require('fs').readFileSync(require('path').join(__dirname, 'data.txt'), 'utf8');",
  };
  const built = await compileSite(t, files, ['api/module.mjs', 'api/common.cjs']);

  const { texts, names } = await built.run('api/module.mjs');

  t.deepEqual(texts, ['here', 'here', 'here']);
  t.deepEqual(names, [join(built.root, 'api/module.mjs'), join(built.root, 'api/module.mjs')]);
  t.is((await built.run('api/common.cjs')).text, 'here');
});

test("a user's own __dirname is not replaced", async (t) => {
  const files = { 'a.js': "const __dirname = 'mine'; export const folder = __dirname;" };

  t.is((await (await compileSite(t, files, ['a.js'])).run('a.js')).folder, 'mine');
});

test('a second compilation of the same files uses their changes', async (t) => {
  const opened = await project(t, { 'a.js': 'export const version = 1;' });
  const path = join(opened.root, 'a.js');
  await compile(opened, { files: [path] });
  await writeFile(path, 'export const version = 2;');

  const loaded = await (await compile(opened, { files: [path] })).load(path);

  t.is(loaded.state === 'ready' && loaded.exports.version, 2);
});

test('no files stay in the data folder', async (t) => {
  const opened = await project(t, { 'a.js': 'export const a = 1;' });

  await compile(opened, { files: [join(opened.root, 'a.js')] });

  t.deepEqual(await readdir(join(opened.dataDir, 'functions')), []);
});

test("stack traces name the user's file and line", async (t) => {
  const text = 'type Long = {\n  readonly a: string;\n};\nexport function fail(): Long {\n  throw new Error("x");\n}';
  const opened = await project(t, { 'a.ts': text });
  const file = join(opened.root, 'a.ts');
  // In a separate process, because ava enables source maps.
  const script = `import { compile } from ${JSON.stringify(import.meta.resolve('../../../src/dialects/loader/compile.ts'))};
    const { load } = await compile(${JSON.stringify(opened)}, { files: [${JSON.stringify(file)}] });
    const { exports } = await load(${JSON.stringify(file)});
    try { exports.fail() } catch (error) { process.stdout.write(error.stack) }`;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);

  t.true(stdout.includes(`${file}:5:9`), stdout);
});

test('functions and classes keep their names, although all files share one module', async (t) => {
  const files = {
    'a.js': 'export default function onRequest() {} export class Pool {}',
    'b.js': 'export default function onRequest() {} export class Pool {}',
  };
  const built = await compileSite(t, files, ['a.js', 'b.js']);

  for (const file of ['a.js', 'b.js']) {
    const { default: unnamed, Pool } = await built.run(file);
    t.deepEqual(
      [unnamed, Pool].map((each) => (each as () => void).name),
      ['onRequest', 'Pool'],
    );
  }
});

test('exports of CommonJS can be imported by name or as a whole', async (t) => {
  const files = {
    'a.cjs': 'exports.one = 1;',
    'b.js': 'module.exports = { two: 2 };',
    'c.js': 'module.exports = function three() {};',
  };
  const built = await compileSite(t, files, ['a.cjs', 'b.js', 'c.js']);

  t.is((await built.run('a.cjs')).one, 1);
  t.is((await built.run('b.js')).two, 2);
  t.is(((await built.run('c.js')).default as () => void).name, 'three');
});

test('JSON, JSX and files with a hashbang can be imported', async (t) => {
  const files = {
    'data.json': '{"a": 1}',
    'view.jsx': 'const h = (name, props) => ({ name, ...props }); /** @jsx h */ export const view = <p id="x" />;',
    'tool.js': '#!/usr/bin/env node\nexport const place = __filename.length > 0;',
    'a.js':
      "export { default as data } from './data.json'; export { view } from './view'; export { place } from './tool';",
  };

  const exports = await (await compileSite(t, files, ['a.js'])).run('a.js');

  t.deepEqual({ ...exports }, { data: { a: 1 }, view: { name: 'p', id: 'x' }, place: true });
});

test('files outside of the site can be imported', async (t) => {
  const opened = await project(t, {
    'site/a.js': "export { x } from '../shared/x.ts';",
    'shared/x.ts': 'export const x: number = 7;',
  });
  const root = join(opened.root, 'site');
  await mkdir(join(root, '.nexthop'));

  const compiled = await compile({ ...opened, root }, { files: [join(root, 'a.js')] });

  const loaded = await compiled.load(join(root, 'a.js'));
  t.is(loaded.state === 'ready' && loaded.exports.x, 7);
});
