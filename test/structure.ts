import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fakeSourceTree, readSourceTree } from './helpers/source-tree.ts';
import * as rules from './helpers/structure-rules.ts';

/**
 * The rooms by level, from top to bottom. A room is a whole folder of `src/`, or a file at the top of it; each dialect is a room, and so is the loader. A
 * file imports from its own room or from a lower level (docs/architecture.md).
 */
const LEVELS: rules.Levels = [
  ['index.ts', 'astro-adapter/'],
  ['cli/', 'public/'],
  ['edge.ts', 'embed/'],
  ['server.ts', 'handler.ts'],
  ['site/'],
  ['dialects/*/'],
  ['dialects/loader/', 'hop/', 'static/', 'cache/', 'jobs/', 'stores/', 'routing/', 'limits/', 'tls/', 'metrics/'],
  ['dev/'],
  ['http/', 'log/'],
  ['wire/', 'process/'],
  ['config/'],
  ['contract/'],
];

/** The only rooms that a dialect imports. */
const ROOMS_FOR_DIALECTS = ['src/contract/', 'src/http/', 'src/dialects/loader/'];

/** A package, and the only room that may import it. */
const PACKAGE_ROOMS: Readonly<Record<string, string>> = {
  pino: 'src/log/',
  undici: 'src/hop/',
  ws: 'src/http/',
  ioredis: 'src/stores/redis/',
  aws4fetch: 'src/stores/s3/',
  mrmime: 'src/http/',
  cookie: 'src/dialects/edgeone/',
  'jsonc-parser': 'src/dialects/edgeone/',
  esbuild: 'src/dialects/loader/',
  'es-module-lexer': 'src/dialects/loader/',
  '@babel/parser': 'src/dialects/netlify/',
  'smol-toml': 'src/dialects/netlify/',
  htmlparser2: 'src/dialects/netlify/forms/',
  '@fastify/busboy': 'src/dialects/netlify/forms/',
  sharp: 'src/dialects/netlify/images/',
  croner: 'src/contract/',
  '@opentelemetry/api': 'src/metrics/',
};

/** Code that only one file may contain; with '' as room, no file. */
const RESTRICTIONS = [
  { what: 'process.env', pattern: /\bprocess\??\.env\b/, room: 'src/config/config.ts', instead: 'take it from Config' },
  {
    what: 'process.exit',
    pattern: /\bprocess\??\.(?:exit|reallyExit|abort)\b/,
    room: 'src/cli/exit.ts',
    instead: 'throw, or return to the caller',
  },
  // A test runner shows what is written to the console with the test.
  { what: 'console', pattern: /\bconsole\s*[.[]/, room: 'src/embed/test-edge.ts', instead: 'write through Log' },
  {
    what: 'an import of node:process',
    pattern: /from ["'](?:node:)?process["']/,
    room: '',
    instead: 'use the global, so that the other rules see it',
  },
];

const TOP_NAMES = [
  ...[
    'package.json',
    'package-lock.json',
    '.gitignore',
    '.dockerignore',
    'Dockerfile',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    'SECURITY.md',
  ],
  ...['src', 'test', 'docs', 'bench', 'examples', '.ci'],
];

const ROOT = join(import.meta.dirname, '..');
const sources = await readSourceTree(ROOT, ['src']);
const allSources = await readSourceTree(ROOT, ['src', 'test', 'examples', 'bench']);

test('imports in src point downward', (t) => {
  t.deepEqual(rules.importsPointDownward(sources, LEVELS), []);
});

test('no file in src imports itself through others', (t) => {
  t.deepEqual(rules.noCycles(sources), []);
});

test('no folder in src imports itself through others, at any depth', (t) => {
  t.deepEqual(rules.noFolderCycles(sources), []);
});

test('a dialect imports contract, http and the loader, and no other room', (t) => {
  const dialects = sources.filter(({ path }) => /^src\/dialects\/(?!loader\/)/.test(path));

  t.true(dialects.length > 0);
  t.deepEqual(rules.importsOnlyFrom(dialects, ROOMS_FOR_DIALECTS), []);
});

test('the top of src has the files on the path of a request, and the exports', (t) => {
  const atTop = sources.map(({ path }) => path).filter((path) => path.split('/').length === 2);

  t.deepEqual(atTop, ['src/edge.ts', 'src/handler.ts', 'src/index.ts', 'src/server.ts']);
});

for (const [packageName, room] of Object.entries(PACKAGE_ROOMS)) {
  test(`${packageName} is imported only in ${room}`, (t) => {
    t.deepEqual(rules.importedOnlyIn(sources, packageName, room), []);
  });
}

for (const restriction of RESTRICTIONS) {
  test(`${restriction.room ? `only ${restriction.room}` : 'nothing in src'} uses ${restriction.what}`, (t) => {
    t.deepEqual(rules.writtenOnlyIn(sources, restriction), []);
  });
}

test('files have at most 300 lines', (t) => {
  t.deepEqual(rules.noLongFiles(allSources, 300), []);
});

test('files in src are named after what they hold', (t) => {
  t.deepEqual(rules.noEmptyNames(sources), []);
});

test('every room has a row in docs/architecture.md', async (t) => {
  const table = await readFile(join(ROOT, 'docs/architecture.md'), 'utf8');

  t.deepEqual(rules.everyRoomHasARow(sources, table), []);
});

test('the top of the repository has only the listed names', async (t) => {
  const ignored = (await readFile(join(ROOT, '.gitignore'), 'utf8')).split('\n');
  const names = (await readdir(ROOT)).filter((name) => name !== '.git' && !ignored.includes(name));

  t.deepEqual(rules.onlyAtTop(names, TOP_NAMES), []);
});

test('the rules report an import that points upward, also of types', async (t) => {
  const tree = await fakeSourceTree({
    'src/http/upgrade.ts': `import { answer } from '../contract/answer.ts';\nanswer();`,
    'src/contract/answer.ts': `\nimport type { Upgrade } from '../http/upgrade.ts';\nexport const answer = (given?: Upgrade) => given;`,
  });

  const [violation, ...more] = rules.importsPointDownward(tree, LEVELS);
  t.regex(violation ?? '', /^src\/contract\/answer\.ts:2 imports src\/http\/upgrade\.ts, a room on a higher level: /);
  t.deepEqual(more, []);
});

test('the rules report a dialect that imports another dialect', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/read.ts': `import '../../contract/dialect.ts';\nimport '../loader/load.ts';\nimport './scan.ts';\nimport '../two/read.ts';`,
  });

  const [violation, ...more] = rules.importsPointDownward(tree, LEVELS);
  t.regex(
    violation ?? '',
    /^src\/dialects\/one\/read\.ts:4 imports src\/dialects\/two\/read\.ts, a room on the same level/,
  );
  t.deepEqual(more, []);
});

test('the rules report a dialect that imports another room', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/read.ts': `import '../../contract/dialect.ts';\nimport './call/run.ts';\nimport '../../routing/router.ts';`,
  });

  const [violation, ...more] = rules.importsOnlyFrom(tree, ROOMS_FOR_DIALECTS);
  t.regex(violation ?? '', /^src\/dialects\/one\/read\.ts:3 imports src\/routing\/router\.ts/);
  t.deepEqual(more, []);
});

test('the rules report a circle of folders without a circle of files', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/call/run.ts': `import '../config/toml.ts';`,
    'src/dialects/one/config/toml.ts': '',
    'src/dialects/one/config/check.ts': `import '../call/context.ts';`,
    'src/dialects/one/call/context.ts': '',
  });

  const [violation, ...more] = rules.noFolderCycles(tree);
  t.regex(violation ?? '', /^src\/dialects\/one\/(?:call|config)\/ → .* is a circle of folders/);
  t.deepEqual(more, []);
});

test('the rules report a file without a room', async (t) => {
  const tree = await fakeSourceTree({ 'src/unlisted.ts': '' });

  t.regex(rules.importsPointDownward(tree, LEVELS)[0] ?? '', /^src\/unlisted\.ts is in no room/);
});

test('the rules report a circle of files, re-exports and import() counted', async (t) => {
  const tree = await fakeSourceTree({
    'src/hop/a.ts': `export * from './b.ts';`,
    'src/hop/b.ts': `export const load = () => import('./c.ts');`,
    'src/hop/c.ts': `import type { A } from './a.ts';\nexport type C = A;`,
  });

  t.deepEqual(
    rules.noCycles(tree).map((violation) => violation.split(' is ')[0]),
    ['src/hop/a.ts → src/hop/b.ts → src/hop/c.ts → src/hop/a.ts'],
  );
});

test('the rules report a package outside of its room, also by a path inside the package', async (t) => {
  const tree = await fakeSourceTree({
    'src/hop/pool.ts': `import { Pool } from 'undici';`,
    'src/server.ts': `import http from 'node:http';\nimport Pool from 'undici/lib/dispatcher/pool.js';`,
  });

  const [violation, ...more] = rules.importedOnlyIn(tree, 'undici', 'src/hop/');
  t.regex(violation ?? '', /^src\/server\.ts:2 imports undici, which only src\/hop\/ may import/);
  t.deepEqual(more, []);
});

const VIOLATIONS: Readonly<Record<string, string>> = {
  'process.env': 'export const port = process.env.PORT;',
  'process.exit': 'export const end = () => process.exit(1);',
  console: `console.log('x');`,
  'an import of node:process': `import { env } from 'node:process'; export const port = env.PORT;`,
};

for (const restriction of RESTRICTIONS) {
  test(`the rules report ${restriction.what} in code, and not in a comment`, async (t) => {
    const code = VIOLATIONS[restriction.what] ?? '';
    const tree = await fakeSourceTree({
      'src/handler.ts': `/* ${code} */\n// ${code}\n\n${code}`,
      'src/server.ts': `// ${code}\nexport const quiet = true;`,
      [restriction.room || 'src/edge.ts']: restriction.room ? code : '',
    });

    const [violation, ...more] = rules.writtenOnlyIn(tree, restriction);
    t.true(violation?.startsWith(`src/handler.ts:4 uses ${restriction.what}: `), violation);
    t.deepEqual(more, []);
  });
}

test('the rules report a file that is too long or has an empty name', async (t) => {
  const tree = await fakeSourceTree({
    'src/http/utils.ts': 'a;\n'.repeat(301),
    'src/common/clock.ts': 'a;\n'.repeat(300),
  });

  t.deepEqual(rules.noLongFiles(tree, 300).length, 1);
  t.regex(rules.noLongFiles(tree, 300)[0] ?? '', /^src\/http\/utils\.ts has 301 lines/);
  t.deepEqual(rules.noEmptyNames(tree).length, 2);
});

test('the rules report a room without a row, and a row without a room', async (t) => {
  const tree = await fakeSourceTree({ 'src/hop/hop.ts': '', 'src/log/log.ts': '', 'src/fault.ts': '' });
  const table = '| `src/hop/` | the next hop |\n| `src/log/` | |\n| `src/removed/` | a removed room |\n';

  t.deepEqual(
    rules.everyRoomHasARow(tree, table).map((violation) => violation.split(':')[0]),
    [
      'src/log/ has no row in docs/architecture.md',
      'src/fault.ts has no row in docs/architecture.md',
      'docs/architecture.md has a row for src/removed/, which does not exist',
    ],
  );
});

test('the rules report a name that is not allowed at the top', (t) => {
  t.regex(rules.onlyAtTop(['src', 'notes.txt'], TOP_NAMES)[0] ?? '', /^notes\.txt is not allowed at the top/);
});
