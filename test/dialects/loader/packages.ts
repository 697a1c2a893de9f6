import { join } from 'node:path';
import test from 'ava';
import { compile } from '../../../src/dialects/loader/compile.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

function inFolder(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [join(folder, path), text]));
}

test('packages are evaluated in the order of the imports, between the files of the site', async (t) => {
  const files = {
    'node_modules/settings/index.js': "globalThis.order.push('package');",
    'start.js': 'globalThis.order = [];',
    'pool.js': "globalThis.order.push('pool');",
    'a.js': "import './start.js'; import 'settings'; import './pool.js'; export const order = globalThis.order;",
    'b.js': "import './pool.js';",
  };

  const exports = await (await compileSite(t, inFolder('api', files), ['api/a.js', 'api/b.js'])).run('api/a.js');

  t.deepEqual(exports.order, ['package', 'pool']);
});

test('a package with a .mjs file can be imported, by default and by name, and required', async (t) => {
  const files = {
    'node_modules/app/package.json': '{"exports": {"import": "./app.mjs", "require": "./app.mjs"}}',
    'node_modules/app/app.mjs': 'export default class App {} export const name = "app";',
    'a.js': "import App, { name } from 'app'; export const answer = [new App() instanceof App, name];",
    'b.cjs': "const { default: App, name } = require('app'); exports.answer = [new App() instanceof App, name];",
  };
  const site = await compileSite(t, inFolder('api', files), ['api/a.js', 'api/b.cjs']);

  t.deepEqual((await site.run('api/a.js')).answer, [true, 'app']);
  t.deepEqual((await site.run('api/b.cjs')).answer, [true, 'app']);
});

test('names can be imported from CommonJS that Node does not detect', async (t) => {
  const files = {
    'node_modules/tokens/index.js': "const all = require('./all.js'); module.exports = Object.assign({}, all);",
    'node_modules/tokens/all.js': "exports.sign = () => 'signed';",
    'a.js': "import { sign, missing } from 'tokens'; export const answer = [sign(), missing];",
  };

  const exports = await (await compileSite(t, inFolder('api', files), ['api/a.js'])).run('api/a.js');

  t.deepEqual(exports.answer, ['signed', undefined]);
});

test('a package that throws breaks only the files that import it', async (t) => {
  const files = {
    'node_modules/native/package.json': '{"type": "module", "exports": "./main.js"}',
    'node_modules/native/main.js': "throw new Error('no binary for this machine');",
    'a.js': "import native from 'native'; export { native };",
    'b.js': 'export const b = 1;',
  };
  const built = await compileSite(t, inFolder('api', files), ['api/a.js', 'api/b.js']);

  await t.throwsAsync(built.run('api/a.js'), { message: 'no binary for this machine' });
  t.is((await built.run('api/b.js')).b, 1);
});

const AWAITING = {
  'node_modules/slow/package.json': '{"type": "module", "exports": "./main.js"}',
  'node_modules/slow/main.js':
    "import fs from 'node:fs'; import old from 'old'; export const size = await Promise.resolve(typeof fs.stat + old.n); export default function slow() {}",
  'node_modules/old/package.json': '{"main": "main.js"}',
  'node_modules/old/main.js': 'exports.n = 1; exports.x = async () => { await 1; };',
  'node_modules/user/package.json': '{"type": "module", "exports": "./main.js"}',
  'node_modules/user/main.js':
    "globalThis.slowRuns = (globalThis.slowRuns ?? 0) + 1; export { size as again } from 'slow';",
};

test('a package with a top-level await can be imported, also through another package', async (t) => {
  const files = {
    ...AWAITING,
    'lib.ts': "export { again } from 'user'; export * from 'slow';",
    'a.ts': `import slow, { size } from 'slow'; import * as all from 'slow'; import { again } from './lib';
      export const answer = [slow.name, size, Object.keys(all).sort(), again];`,
    'b.js': "import { again } from 'user'; export { again };",
    'c.js': 'export const c = 1;',
  };
  const built = await compileSite(t, inFolder('api', files), ['api/a.ts', 'api/b.js', 'api/c.js']);

  const [a, b, c] = await Promise.all(['a.ts', 'b.js', 'c.js'].map((file) => built.run(`api/${file}`)));

  t.deepEqual(a?.answer, ['slow', 'function1', ['default', 'size'], 'function1']);
  t.is(b?.again, 'function1');
  t.is(c?.c, 1);
  t.is((globalThis as unknown as { slowRuns: number }).slowRuns, 1); // counted by the package
});

test('a package of plain TypeScript is compiled with the site', async (t) => {
  const files = {
    'node_modules/typed/package.json': '{"main": "./main.ts"}',
    'node_modules/typed/main.ts': 'export enum Side { Left = 1 }',
    'a.js': "import { Side } from 'typed'; export const side = Side.Left;",
  };

  const exports = await (await compileSite(t, inFolder('api', files), ['api/a.js'])).run('api/a.js');

  t.is(exports.side, 1);
});

test('a package can be required by a name that is computed at run time', async (t) => {
  const files = { 'a.js': "const name = 'es-module-lexer'; export const kind = () => typeof require(name).parse;" };

  const { kind } = await (await compileSite(t, files, ['a.js'])).run('a.js');

  t.is((kind as () => string)(), 'function');
});

for (const type of ['module', 'commonjs']) {
  test(`packages of both formats give default and named exports to a site of type ${type}`, async (t) => {
    const files = {
      'package.json': JSON.stringify({ type }),
      'a.ts': [
        "import express, { Router } from 'express';",
        "import test, { registerCompletionHandler } from 'ava';",
        "import os, { platform } from 'node:os';",
        'export const kinds = [express, Router, test, registerCompletionHandler, os.platform, platform].map((each) => typeof each);',
        "export const later = async () => typeof (await import('es-module-lexer')).parse;",
      ].join('\n'),
    };

    const { kinds, later } = await (await compileSite(t, files, ['a.ts'])).run('a.ts');

    t.deepEqual(
      kinds,
      Array.from({ length: 6 }, () => 'function'),
    );
    t.is(await (later as () => Promise<string>)(), 'function');
  });
}

test('packages are found with a data folder that cannot be created', async (t) => {
  const files = { 'a.js': "import pino from 'pino'; export const kind = typeof pino;", 'a-file': '' };
  const opened = await project(t, files);
  const dataDir = join(opened.root, 'a-file/data');

  const compiled = await compile({ ...opened, dataDir }, { files: [join(opened.root, 'a.js')] });

  const loaded = await compiled.load(join(opened.root, 'a.js'));
  t.is(loaded.state === 'ready' && loaded.exports.kind, 'function');
});
