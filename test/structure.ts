import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fakeSourceTree, readSourceTree } from './helpers/source-tree.ts';
import * as rules from './helpers/structure-rules.ts';

/**
 * The rooms, from the top floor to the ground floor. A room is a whole folder of `src/`, or a file on top of it; each dialect and the loader is a room of
 * its own. A file imports from its own room or from a lower floor (docs/architecture.md).
 */
const FLOORS: rules.Floors = [
  ['index.ts', 'astro-adapter/'],
  ['cli/', 'public/'],
  ['edge.ts', 'embed/'],
  ['server.ts', 'handler.ts'],
  ['site/'],
  ['dialects/*/'],
  ['dialects/loader/', 'hop/', 'static/', 'jobs/', 'stores/', 'routing/', 'tls/'],
  ['http/', 'log/'],
  ['wire/', 'process/'],
  ['config/'],
  ['contract/'],
  ['timing/'],
];

/** The only rooms that a dialect imports. */
const KNOWN_TO_DIALECTS = ['src/contract/', 'src/http/', 'src/dialects/loader/'];

/** A package, and the only room that may import it. */
const HOMES: Readonly<Record<string, string>> = {
  pino: 'src/log/',
  undici: 'src/hop/',
  ws: 'src/http/',
  ioredis: 'src/stores/redis/',
  mrmime: 'src/http/',
  cookie: 'src/dialects/edgeone/',
  'jsonc-parser': 'src/dialects/edgeone/',
  esbuild: 'src/dialects/loader/',
  'es-module-lexer': 'src/dialects/loader/',
  '@babel/parser': 'src/dialects/netlify/',
  'smol-toml': 'src/dialects/netlify/',
  croner: 'src/contract/',
};

/** What only one file may do. */
const PRIVILEGES = [
  { what: 'process.env', pattern: /\bprocess\??\.env\b/, home: 'src/config/config.ts', instead: 'take it from Config' },
  {
    what: 'process.exit',
    pattern: /\bprocess\??\.(?:exit|reallyExit|abort)\b/,
    home: 'src/cli/exit.ts',
    instead: 'throw, or return to the caller',
  },
  { what: 'console', pattern: /\bconsole\s*[.[]/, home: '', instead: 'write through Log' },
  {
    what: 'an import of node:process',
    pattern: /from ["'](?:node:)?process["']/,
    home: '',
    instead: 'use the global, so that the other rules see it',
  },
];

const ON_TOP = [
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
const house = await readSourceTree(ROOT, ['src']);
const everything = await readSourceTree(ROOT, ['src', 'test', 'examples', 'bench']);

test('imports in src point downward', (t) => {
  t.deepEqual(rules.importsPointDownward(house, FLOORS), []);
});

test('no file in src imports itself through others', (t) => {
  t.deepEqual(rules.noCycles(house), []);
});

test('no folder in src imports itself through others, at any depth', (t) => {
  t.deepEqual(rules.noFolderCycles(house), []);
});

test('a dialect imports contract, http and the loader, and nothing else of the house', (t) => {
  const dialects = house.filter(({ path }) => /^src\/dialects\/(?!loader\/)/.test(path));

  t.true(dialects.length > 0);
  t.deepEqual(rules.importsOnlyFrom(dialects, KNOWN_TO_DIALECTS), []);
});

test('few files stand on top of src', (t) => {
  const onTop = house.map(({ path }) => path).filter((path) => path.split('/').length === 2);

  t.deepEqual(onTop, ['src/edge.ts', 'src/handler.ts', 'src/index.ts', 'src/server.ts']);
});

for (const [packageName, home] of Object.entries(HOMES)) {
  test(`${packageName} is imported only in ${home}`, (t) => {
    t.deepEqual(rules.importedOnlyIn(house, packageName, home), []);
  });
}

for (const privilege of PRIVILEGES) {
  test(`${privilege.home ? `only ${privilege.home}` : 'nothing in src'} uses ${privilege.what}`, (t) => {
    t.deepEqual(rules.writtenOnlyIn(house, privilege), []);
  });
}

test('files have at most 300 lines', (t) => {
  t.deepEqual(rules.noLongFiles(everything, 300), []);
});

test('files in src are named after what they hold', (t) => {
  t.deepEqual(rules.noEmptyNames(house), []);
});

test('every room has its row in docs/architecture.md', async (t) => {
  const map = await readFile(join(ROOT, 'docs/architecture.md'), 'utf8');

  t.deepEqual(rules.everyRoomIsOnTheMap(house, map), []);
});

test('the top of the repository is short', async (t) => {
  const ignored = (await readFile(join(ROOT, '.gitignore'), 'utf8')).split('\n');
  const names = (await readdir(ROOT)).filter((name) => name !== '.git' && !ignored.includes(name));

  t.deepEqual(rules.onlyOnTop(names, ON_TOP), []);
});

test('the rules see an import that points upward, of types too', async (t) => {
  const tree = await fakeSourceTree({
    'src/http/upgrade.ts': `import { answer } from '../contract/answer.ts';\nanswer();`,
    'src/contract/answer.ts': `\nimport type { Upgrade } from '../http/upgrade.ts';\nexport const answer = (given?: Upgrade) => given;`,
  });

  const [complaint, ...more] = rules.importsPointDownward(tree, FLOORS);
  t.regex(complaint ?? '', /^src\/contract\/answer\.ts:2 imports src\/http\/upgrade\.ts, a higher floor: /);
  t.deepEqual(more, []);
});

test('the rules see a dialect that imports another', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/read.ts': `import '../../contract/dialect.ts';\nimport '../loader/load.ts';\nimport './scan.ts';\nimport '../two/read.ts';`,
  });

  const [complaint, ...more] = rules.importsPointDownward(tree, FLOORS);
  t.regex(complaint ?? '', /^src\/dialects\/one\/read\.ts:4 imports src\/dialects\/two\/read\.ts, a neighbour/);
  t.deepEqual(more, []);
});

test('the rules see a dialect that imports a room it must not know', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/read.ts': `import '../../contract/dialect.ts';\nimport './call/run.ts';\nimport '../../routing/router.ts';`,
  });

  const [complaint, ...more] = rules.importsOnlyFrom(tree, KNOWN_TO_DIALECTS);
  t.regex(complaint ?? '', /^src\/dialects\/one\/read\.ts:3 imports src\/routing\/router\.ts/);
  t.deepEqual(more, []);
});

test('the rules see a circle of folders that is no circle of files', async (t) => {
  const tree = await fakeSourceTree({
    'src/dialects/one/call/run.ts': `import '../config/toml.ts';`,
    'src/dialects/one/config/toml.ts': '',
    'src/dialects/one/config/check.ts': `import '../call/context.ts';`,
    'src/dialects/one/call/context.ts': '',
  });

  const [complaint, ...more] = rules.noFolderCycles(tree);
  t.regex(complaint ?? '', /^src\/dialects\/one\/(?:call|config)\/ → .* is a circle of folders/);
  t.deepEqual(more, []);
});

test('the rules see a file without a room', async (t) => {
  const tree = await fakeSourceTree({ 'src/attic.ts': '' });

  t.regex(rules.importsPointDownward(tree, FLOORS)[0] ?? '', /^src\/attic\.ts is in no room/);
});

test('the rules see a circle of files, re-exports and import() counted', async (t) => {
  const tree = await fakeSourceTree({
    'src/hop/a.ts': `export * from './b.ts';`,
    'src/hop/b.ts': `export const load = () => import('./c.ts');`,
    'src/hop/c.ts': `import type { A } from './a.ts';\nexport type C = A;`,
  });

  t.deepEqual(
    rules.noCycles(tree).map((complaint) => complaint.split(' is ')[0]),
    ['src/hop/a.ts → src/hop/b.ts → src/hop/c.ts → src/hop/a.ts'],
  );
});

test('the rules see a package outside its room, by a path of it too', async (t) => {
  const tree = await fakeSourceTree({
    'src/hop/pool.ts': `import { Pool } from 'undici';`,
    'src/server.ts': `import http from 'node:http';\nimport Pool from 'undici/lib/dispatcher/pool.js';`,
  });

  const [complaint, ...more] = rules.importedOnlyIn(tree, 'undici', 'src/hop/');
  t.regex(complaint ?? '', /^src\/server\.ts:2 imports undici, which only src\/hop\/ may know/);
  t.deepEqual(more, []);
});

const BREACHES: Readonly<Record<string, string>> = {
  'process.env': 'export const port = process.env.PORT;',
  'process.exit': 'export const end = () => process.exit(1);',
  console: `console.log('x');`,
  'an import of node:process': `import { env } from 'node:process'; export const port = env.PORT;`,
};

for (const privilege of PRIVILEGES) {
  test(`the rules see ${privilege.what} in code, and not in a comment`, async (t) => {
    const breach = BREACHES[privilege.what] ?? '';
    const tree = await fakeSourceTree({
      'src/handler.ts': `/* ${breach} */\n// ${breach}\n\n${breach}`,
      'src/server.ts': `// ${breach}\nexport const quiet = true;`,
      [privilege.home || 'src/edge.ts']: privilege.home ? breach : '',
    });

    const [complaint, ...more] = rules.writtenOnlyIn(tree, privilege);
    t.true(complaint?.startsWith(`src/handler.ts:4 uses ${privilege.what}: `), complaint);
    t.deepEqual(more, []);
  });
}

test('the rules see a file that is too long or has an empty name', async (t) => {
  const tree = await fakeSourceTree({
    'src/http/utils.ts': 'a;\n'.repeat(301),
    'src/common/clock.ts': 'a;\n'.repeat(300),
  });

  t.deepEqual(rules.noLongFiles(tree, 300).length, 1);
  t.regex(rules.noLongFiles(tree, 300)[0] ?? '', /^src\/http\/utils\.ts has 301 lines/);
  t.deepEqual(rules.noEmptyNames(tree).length, 2);
});

test('the rules see a room that is not on the map, and a row without a room', async (t) => {
  const tree = await fakeSourceTree({ 'src/hop/hop.ts': '', 'src/log/log.ts': '', 'src/fault.ts': '' });
  const map = '| `src/hop/` | the next hop |\n| `src/log/` | |\n| `src/attic/` | old things |\n';

  t.deepEqual(
    rules.everyRoomIsOnTheMap(tree, map).map((complaint) => complaint.split(':')[0]),
    [
      'src/log/ has no row in docs/architecture.md',
      'src/fault.ts has no row in docs/architecture.md',
      'docs/architecture.md has a row for src/attic/, which does not exist',
    ],
  );
});

test('the rules see what does not belong on top', (t) => {
  t.regex(rules.onlyOnTop(['src', 'notes.txt'], ON_TOP)[0] ?? '', /^notes\.txt does not belong on top/);
});
