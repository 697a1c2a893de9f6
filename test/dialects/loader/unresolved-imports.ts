import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { compile } from '../../../src/dialects/loader/compile.ts';
import { compileAhead, loadFile } from '../../helpers/built-site.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { project } from '../../helpers/project.ts';

interface Row {
  readonly title: string;
  readonly specifier: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly message: string | RegExp;
}

const SMALL = {
  'lib/node_modules/small/package.json': '{"name": "small", "exports": {".": "./main.js"}}',
  'lib/node_modules/small/main.js': '',
};

const ROWS: readonly Row[] = [
  {
    title: 'a file',
    specifier: './missing.js',
    message: '"./missing.js" does not exist: create lib/missing.js, or correct the import',
  },
  {
    title: 'a file with a misspelt name',
    specifier: '../lib/nmaes.js',
    files: { 'lib/names.js': '' },
    message:
      '"../lib/nmaes.js" does not exist: create lib/nmaes.js, or correct the import; did you mean ../lib/names.js?',
  },
  {
    title: 'a file with nearly the name of the one that imports it',
    specifier: './b.js',
    message: '"./b.js" does not exist: create lib/b.js, or correct the import',
  },
  {
    title: 'a file without its extension',
    specifier: './nmaes',
    files: { 'lib/names.ts': '' },
    message: '"./nmaes" does not exist: create lib/nmaes, or correct the import; did you mean ./names?',
  },
  {
    title: 'a package that the package.json has',
    specifier: 'no-such-framework',
    files: { 'package.json': '{"dependencies": {"no-such-framework": "5"}}' },
    message: 'package `no-such-framework` is not installed: npm install (package.json has it)',
  },
  {
    title: 'a package with a misspelt name',
    specifier: 'expres/router',
    files: { 'package.json': '{"dependencies": {"express": "5"}}' },
    message: 'package `expres` is not installed: npm install expres; did you mean express?',
  },
  { title: 'a package', specifier: 'no-such', message: 'package `no-such` is not installed: npm install no-such' },
  {
    title: 'a file of a package in a scope',
    specifier: '@no/such/part.js',
    message: 'package `@no/such` is not installed: npm install @no/such',
  },
  {
    title: 'a path that a package does not export',
    specifier: 'small/part',
    files: SMALL,
    message:
      /^package `small` is installed, but does not export "small\/part" \(The path "\.\/part" is not exported by package "small"\)/,
  },
  {
    title: 'a module that Node lacks',
    specifier: 'node:no-such',
    message: /^"node:no-such" is not a module of this Node\.js/,
  },
  {
    title: 'a URL',
    specifier: 'https://example.com/x.js',
    message: /^"https:\/\/example\.com\/x\.js" cannot be imported by Node\.js/,
  },
  { title: 'a specifier of Deno', specifier: 'npm:express', message: /^"npm:express" is written for Deno/ },
  {
    title: 'a path of a tsconfig',
    specifier: '@/none',
    message: /^"@\/none" cannot be resolved: correct it, or the "paths"/,
  },
  { title: '"imports" of the package.json', specifier: '#none', message: /^"#none" is not in the "imports" of/ },
];

for (const { title, specifier, files = {}, message } of ROWS) {
  test(`an unresolved import is reported with what to do, and breaks only its own file: ${title}`, async (t) => {
    const given = {
      ...files,
      'lib/a.js': `\nimport x from '${specifier}'; export { x };`,
      'b.js': 'export const b = 1;',
    };

    const built = await compileSite(t, given, ['lib/a.js', 'b.js']);

    t.like(built.problems, [{ severity: 'error', file: 'lib/a.js', line: 2, column: 15 }]);
    const [problem] = built.problems;
    if (typeof message === 'string') t.is(problem?.message, message);
    else t.regex(problem?.message ?? '', message);
    t.deepEqual(built.explain('lib/a.js', await t.throwsAsync(built.run('lib/a.js'))), problem);
    t.is((await built.run('b.js')).b, 1);
  });
}

/** The error that Node itself throws for the same code in the same file, without its stack. */
async function errorOfNode(root: string, file: string): Promise<readonly unknown[]> {
  const { attempt } = await import(pathToFileURL(join(root, file)).href);
  return attempt();
}

const ATTEMPT = 'catch (error) { return [error.name, error.code, error.message]; }';

for (const specifier of ['no-such', '@no/such/part', './none.js', '../none', 'small/part', '#none']) {
  test(`an unresolved import() in a handler fails when it runs, with the error of Node: ${specifier}`, async (t) => {
    const files = {
      ...SMALL,
      'package.json': '{}',
      'lib/a.mjs': `export const attempt = async () => { try { await import('${specifier}'); } ${ATTEMPT} };`,
      'lib/b.mjs': `export const b = 1; export const later = async () => import(/* now */ '${specifier}');`,
    };

    const built = await compileSite(t, files, ['lib/a.mjs', 'lib/b.mjs']);

    t.like(built.problems, [{ severity: 'warning', file: 'lib/b.mjs', line: 1, column: 71 }]);
    t.is(built.problems.length, 1, 'a caught import() is not reported');
    const { attempt } = await built.run('lib/a.mjs');
    t.deepEqual(await (attempt as () => unknown)(), await errorOfNode(built.root, 'lib/a.mjs'));
    const { b, later } = await built.run('lib/b.mjs');
    t.is(b, 1);
    await t.throwsAsync((later as () => Promise<unknown>)(), { any: true });
  });
}

for (const specifier of ['no-such', './none', '../none.json', 'small/part']) {
  test(`an unresolved require in a handler, or in a try, fails when it runs, with the error of Node: ${specifier}`, async (t) => {
    const files = {
      ...SMALL,
      // Would be resolved from the root of the site.
      'none.js': '',
      'lib/a.cjs': `let early; try { require('${specifier}'); } catch (error) { early = error.message; }
        exports.attempt = () => { try { require('${specifier}'); } ${ATTEMPT} }; exports.early = early;`,
      'lib/b.cjs': `exports.b = 1; exports.later = () => require('${specifier}');`,
    };

    const built = await compileSite(t, files, ['lib/a.cjs', 'lib/b.cjs']);

    t.like(built.problems, [{ severity: 'warning', file: 'lib/b.cjs', line: 1 }]);
    t.is(built.problems.length, 1);
    const { attempt, early } = await built.run('lib/a.cjs');
    const [name, code, message] = await errorOfNode(built.root, 'lib/a.cjs');
    t.deepEqual((attempt as () => unknown)(), [name, code, message]);
    t.is(early, message);
    const { b, later } = await built.run('lib/b.cjs');
    t.is(b, 1);
    t.throws(later as () => unknown, { code: String(code) });
  });
}

test('the rejection of an unresolved import() can be caught by the promise', async (t) => {
  const files = { 'a.js': "export const found = await import('no-such').then(() => true, () => false);" };

  const built = await compileSite(t, files, ['a.js']);

  t.deepEqual(built.problems, []);
  t.false((await built.run('a.js')).found);
});

test('a package that is installed later is found by an import() and a require in a handler', async (t) => {
  const files = {
    'lib/a.js': "export const name = async () => (await import('late')).default.name;",
    'lib/b.cjs': "exports.name = () => require('late').name;",
  };
  const built = await compileSite(t, files, ['lib/a.js', 'lib/b.cjs']);
  await install(t, built.root);

  const names = ['lib/a.js', 'lib/b.cjs'].map(async (file) => ((await built.run(file)).name as () => unknown)());

  t.deepEqual(await Promise.all(names), ['late', 'late']);
});

async function install(t: ExecutionContext, root: string): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  await mkdir(join(root, 'lib/node_modules/late'), { recursive: true });
  await writeFile(join(root, 'lib/node_modules/late/index.js'), "exports.name = 'late';");
  t.pass();
}

test('an unresolved require at the top of a file is reported as the error of that file', async (t) => {
  const built = await compileSite(t, { 'a.cjs': "\nexports.x = require('no-such');" }, ['a.cjs']);

  const error = await t.throwsAsync(built.run('a.cjs'), { code: 'MODULE_NOT_FOUND' });

  t.like(built.problems, [{ severity: 'warning', file: 'a.cjs', line: 2, column: 21 }]);
  t.deepEqual(built.explain('a.cjs', error), { ...built.problems[0], severity: 'error' });
});

test('require.resolve finds files and packages from its own file', async (t) => {
  const files = {
    ...SMALL,
    'lib/data.json': '{}',
    'lib/a.cjs': "exports.found = ['./data.json', 'small', 'node:fs'].map((name) => require.resolve(name));",
    'lib/b.mjs': "export const found = [require.resolve('./data.json'), require.resolve('small')];",
  };

  const built = await compileSite(t, files, ['lib/a.cjs', 'lib/b.mjs']);

  const places = [join(built.root, 'lib/data.json'), join(built.root, 'lib/node_modules/small/main.js')];
  t.deepEqual((await built.run('lib/a.cjs')).found, [...places, 'node:fs']);
  t.deepEqual((await built.run('lib/b.mjs')).found, places);
});

test('a missing package that the platform provides fails only where it is used', async (t) => {
  const files = {
    'lib/a.js': `import sharp, { resize } from 'sharp-of-elsewhere'; import * as all from 'sharp-of-elsewhere/sub';
      export const works = () => 1;
      export const uses = [() => sharp(1), () => new sharp(), () => sharp.cache, () => resize(1), () => all.default, () => all.x];`,
    'lib/b.mjs':
      "import sharp from 'sharp-of-elsewhere'; export const uses = [() => sharp(1), () => sharp.x, () => new sharp()];",
  };
  const opened = await project(t, files);
  const paths = Object.keys(files).map((file) => join(opened.root, file));

  const { problems, load } = await compile(opened, { files: paths, external: new Set(['sharp-of-elsewhere']) });

  t.deepEqual(problems, []);
  for (const path of paths) {
    const loaded = await load(path);
    const uses = loaded.state === 'ready' ? (loaded.exports.uses as readonly (() => unknown)[]) : [];
    t.true(uses.length > 0);
    for (const use of uses) {
      const error = t.throws(use, { code: 'ERR_MODULE_NOT_FOUND' });
      t.is(error?.message, `Cannot find package 'sharp-of-elsewhere' imported from ${path}`);
      t.true(error?.stack?.split('\n')[1]?.includes(path), 'the stack begins where it is used');
    }
  }
});

test('a package that the platform provides is used if it is installed later', async (t) => {
  const text = "import { name } from 'late'; export const say = () => name;";
  const opened = await project(t, { 'lib/a.js': text });
  const path = join(opened.root, 'lib/a.js');
  const { load } = await compile(opened, { files: [path], external: new Set(['late']) });
  await install(t, opened.root);

  const loaded = await load(path);

  t.is(loaded.state === 'ready' && (loaded.exports.say as () => unknown)(), 'late');
});

test('a build reports a missing package until it is installed', async (t) => {
  const opened = await project(t, {
    'lib/a.js': "export const name = async () => (await import('late')).default.name;",
  });
  await compileAhead(opened, ['lib/a.js']);

  const before = await loadFile(opened, 'lib/a.js');
  await install(t, opened.root);
  const after = await loadFile(opened, 'lib/a.js');

  t.like(before.problems, [{ severity: 'warning', file: 'lib/a.js', line: 1 }]);
  t.deepEqual(after.problems, []);
  t.is(await (after.exports.name as () => unknown)(), 'late');
});
