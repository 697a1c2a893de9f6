import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { compile } from '../../../src/dialects/loader/compile.ts';
import { survey } from '../../../src/dialects/loader/survey.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

const SITE = {
  'api/a.ts': `import { help } from '../lib/help'; import express from 'express'; import { small } from 'small';
    export const answer = [help, typeof express, small];`,
  'lib/help.ts': 'export const help: number = 1;',
  'api/node_modules/small/package.json': '{"exports": {"import": "./small.mjs", "require": "./none.cjs"}}',
  'api/node_modules/small/small.mjs': "export const small = 'small';",
};

for (const file of ['package.json', 'api/package.json', 'lib/package.json', 'tsconfig.json', 'api/jsconfig.json']) {
  for (const text of ['', '{ "type": "module", ', 'oops', '{"a": 1}}']) {
    test(`an invalid ${file} (${JSON.stringify(text)}) is reported with its location and treated as empty`, async (t) => {
      const built = await compileSite(t, { ...SITE, [file]: text }, ['api/a.ts']);

      t.like(built.problems, [{ severity: 'warning', file, line: 1 }]);
      t.is(built.problems.length, 1);
      t.regex(
        built.problems[0]?.message ?? '',
        /^is not valid JSON: .+; it is treated as empty until that is corrected$/,
      );
      t.deepEqual((await built.run('api/a.ts')).answer, [1, 'function', 'small']);
    });
  }
}

test('an invalid package.json above the site is reported by its path relative to the site', async (t) => {
  const opened = await project(t, SITE);
  const root = join(opened.root, 'deeper/site');
  await mkdir(join(root, 'api'), { recursive: true });
  await writeFile(join(opened.root, 'package.json'), '{');
  await writeFile(join(root, 'api/a.js'), 'export const a = 1;');

  const { problems, load } = await compile({ ...opened, root }, { files: [join(root, 'api/a.js')] });

  t.like(problems, [{ severity: 'warning', file: '../../package.json', line: 1 }]);
  t.is((await load(join(root, 'api/a.js'))).state, 'ready');
});

test('a tsconfig is used beside an invalid package.json', async (t) => {
  const files = {
    'package.json': '{',
    'tsconfig.json': '{"compilerOptions": {"experimentalDecorators": true, "paths": {"@/*": ["./lib/*"]}}}',
    'lib/help.ts': 'export const help = 1;',
    'a.ts': `import { help } from '@/help'; const seen: string[] = [];
      const note = (_: object, key: string) => void seen.push(key); class Box { @note open() {} }
      export const answer = [help, new Box() instanceof Box, seen];`,
  };

  const built = await compileSite(t, files, ['a.ts']);

  t.deepEqual((await built.run('a.ts')).answer, [1, true, ['open']]);
});

test('an invalid package.json breaks only the imports that need it', async (t) => {
  const files = {
    'package.json': '{"imports": {"#help": "./help.js"}',
    'help.js': 'export const help = 1;',
    'a.js': "\nimport { help } from '#help'; export { help };",
    'b.js': "export const b = async () => import('#help');",
    'c.js': "export { help } from './help.js';",
  };

  const built = await compileSite(t, files, ['a.js', 'b.js', 'c.js']);

  t.deepEqual(
    built.problems.map(({ severity, file, line }) => [severity, file, line]),
    [
      ['warning', 'package.json', 1],
      ['error', 'a.js', 2],
      ['warning', 'b.js', 1],
    ],
  );
  await t.throwsAsync(built.run('a.js'));
  const { b } = await built.run('b.js');
  await t.throwsAsync((b as () => Promise<unknown>)());
  t.is((await built.run('c.js')).help, 1);
});

test('an import() of a missing package beside an invalid package.json fails with the error for a missing package', async (t) => {
  const files = { 'package.json': '{', 'a.js': "export const load = () => import('no-such');" };

  const { load } = await (await compileSite(t, files, ['a.js'])).run('a.js');

  await t.throwsAsync((load as () => Promise<unknown>)(), {
    code: 'ERR_MODULE_NOT_FOUND',
    message: /^Cannot find package 'no-such' imported from .*\/a\.js$/,
  });
});

test('an invalid JSON file that is both settings and an import is reported as both', async (t) => {
  const files = {
    'package.json': '{',
    'a.js': "import { version } from './package.json'; export { version };",
    'b.js': 'export const b = 1;',
  };

  const built = await compileSite(t, files, ['a.js', 'b.js']);

  t.deepEqual(
    built.problems.map(({ severity, file }) => [severity, file]),
    [
      ['warning', 'package.json'],
      ['error', 'package.json'],
    ],
  );
  await t.throwsAsync(built.run('a.js'), { instanceOf: SyntaxError });
  t.is((await built.run('b.js')).b, 1);
});

test('an invalid file that a tsconfig extends is treated as empty', async (t) => {
  const files = { 'tsconfig.json': '{"extends": "./base.json"}', 'base.json': '{"a', 'a.ts': 'export const a = 1;' };

  const built = await compileSite(t, files, ['a.ts']);

  t.like(built.problems, [{ severity: 'warning', file: 'base.json', line: 1 }]);
  t.is((await built.run('a.ts')).a, 1);
});

test('a package with an invalid package.json breaks only the files that import it', async (t) => {
  const files = {
    'api/node_modules/odd/package.json': '{ "main": ',
    'api/node_modules/odd/index.js': 'exports.odd = 1;',
    'api/a.js': "\nimport { odd } from 'odd'; export { odd };",
    'api/b.js': 'export const b = 1;',
  };

  const built = await compileSite(t, files, ['api/a.js', 'api/b.js']);

  t.like(built.problems, [{ file: 'api/node_modules/odd/package.json' }]);
  const error = await t.throwsAsync(built.run('api/a.js'), { code: 'ERR_INVALID_PACKAGE_CONFIG' });
  t.like(built.explain('api/a.js', error), { file: 'api/a.js', line: 2 });
  t.is((await built.run('api/b.js')).b, 1);
});

test('exports are found beside an invalid package.json', async (t) => {
  const opened = await project(t, { ...SITE, 'package.json': '{' });
  const path = join(opened.root, 'api/a.ts');

  const { looks } = await survey(opened, [path]);

  t.deepEqual([...(looks.get(path)?.names ?? [])], ['answer']);
});
