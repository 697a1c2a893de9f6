import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { findAgain, findIn, MODERN } from '../../../helpers/netlify-findings.ts';
import { project } from '../../../helpers/project.ts';

const FOLDER = 'netlify/functions';

function inFolder(files: readonly string[], text = MODERN): Record<string, string> {
  return Object.fromEntries(files.map((file) => [join(FOLDER, file), text]));
}

test('a site without functions has no functions and no problems', async (t) => {
  const found = await findIn(t, { 'index.html': '' });

  t.like(found, { declarations: [], ignored: [], problems: [], unread: [] });
});

test('a function is a file, or a folder with a main file of its name or called index', async (t) => {
  const found = await findIn(t, inFolder(['one.mts', 'two/two.mts', 'three/index.mts']));

  t.deepEqual(
    found.declarations.map(({ name, file }) => [name, file]),
    [
      ['one', 'netlify/functions/one.mts'],
      ['three', 'netlify/functions/three/index.mts'],
      ['two', 'netlify/functions/two/two.mts'],
    ],
  );
  t.deepEqual(found.ignored, []);
});

interface ConflictRow {
  readonly files: readonly string[];
  readonly winner: string;
}

/** In each list the first file is also the one that the platform uses. */
const CONFLICTS: readonly ConflictRow[] = [
  { files: ['hello/hello.mts', 'hello/index.mts', 'hello.mts'], winner: 'hello/hello.mts' },
  { files: ['hello/index.ts', 'hello/hello.mts'], winner: 'hello/index.ts' },
  { files: ['hello.js', 'hello.mts'], winner: 'hello.js' },
  { files: ['hello/index.cts', 'hello.js'], winner: 'hello/index.cts' },
  { files: ['hello.mjs', 'hello.cjs', 'hello.ts'], winner: 'hello.mjs' },
  { files: ['hello.tsx', 'hello.ts'], winner: 'hello.ts' },
  { files: ['hello.cts', 'hello.mts', 'hello.tsx'], winner: 'hello.tsx' },
  { files: ['hello/index.ts', 'hello/hello.js', 'hello/index.js'], winner: 'hello/hello.js' },
  { files: ['hello/hello.mjs', 'hello/index.ts'], winner: 'hello/index.ts' },
  { files: ['hello/hello.mts', 'hello/index.tsx'], winner: 'hello/index.tsx' },
  { files: ['hello.js/hello.js.js', 'hello.ts'], winner: 'hello.js/hello.js.js' },
];

for (const { files, winner } of CONFLICTS) {
  test(`of ${files.join(', ')} the function is ${winner}, and the others are reported`, async (t) => {
    const found = await findIn(t, inFolder(files));

    t.deepEqual(
      found.declarations.map(({ name, file }) => [name, file]),
      [['hello', join(FOLDER, winner)]],
    );
    const losers = files.filter((file) => file !== winner).map((file) => join(FOLDER, file));
    const reason = `is not used: ${FOLDER}/${winner} has the same name, hello`;
    t.deepEqual(
      found.ignored.map((each) => ({ ...each })).sort((left, right) => (left.file < right.file ? -1 : 1)),
      losers.sort().map((file) => ({ file, reason })),
    );
    t.is(found.problems.length, losers.length);
  });
}

test('helpers, tests, types and other kinds of code are no functions, and are listed as ignored', async (t) => {
  const found = await findIn(t, {
    ...inFolder(['hello.ts', 'hello.test.ts', 'hello.spec.mjs', 'types.d.ts', 'view.jsx', 'utils/db.ts', '_lib/x.js']),
    ...inFolder(['node_modules/x/x.js', 'README.md', 'data.json', '.DS_Store'], ''),
  });

  t.deepEqual(
    found.declarations.map(({ name }) => name),
    ['hello'],
  );
  t.deepEqual(Object.fromEntries(found.ignored.map(({ file, reason }) => [file.slice(FOLDER.length + 1), reason])), {
    'hello.test.ts': 'a test',
    'hello.spec.mjs': 'a test',
    'types.d.ts': 'types',
    'view.jsx': 'no function: Netlify takes .js .mjs .cjs .ts .tsx .mts .cts',
    utils: 'has no main file (utils.ts, index.ts, …): helpers',
    _lib: 'has no main file (_lib.ts, index.ts, …): helpers',
  });
  t.deepEqual(found.problems, []);
});

test('archives, binaries and functions in Go and Rust are reported as not supported', async (t) => {
  const opened = await project(t, inFolder(['old.zip', 'one.go', 'two/main.go', 'three/Cargo.toml', 'text', 'a.ts']));
  await writeFile(join(opened.root, FOLDER, 'binary'), '\x7fELF\x02\x01', 'latin1');

  const found = await findAgain(opened);

  t.deepEqual(
    found.problems.map(({ file, severity, message }) => [
      file.slice(FOLDER.length + 1),
      severity,
      message.slice(0, 24),
    ]),
    [
      ['binary', 'warning', 'is a binary, which nexth'],
      ['old.zip', 'warning', 'is an archive, which nex'],
      ['one.go', 'warning', 'is a function in Go, whi'],
      ['three', 'warning', 'is a function in Rust, w'],
      ['two', 'warning', 'is a function in Go, whi'],
    ],
  );
  t.deepEqual(
    found.declarations.map(({ name }) => name),
    ['a'],
  );
});

test('files whose names have other characters, or are reserved, or are events that never happen here, are no functions', async (t) => {
  const names = ['a.b.ts', 'ä.ts', 'a b.ts', '___netlify-entry-point.js', 'identity-login.js'];

  const found = await findIn(t, inFolder([...names, 'deploy-failed-background.ts', 'A_b-3.ts']));

  t.deepEqual(
    found.declarations.map(({ name }) => name),
    ['A_b-3'],
  );
  t.is(found.ignored.length, 6);
  t.true(
    found.reported.includes(
      `${FOLDER}/a.b.ts warning ${found.problems.find(({ file }) => file.endsWith('a.b.ts'))?.message}`,
    ),
  );
  t.regex(found.reported.join('\n'), /"a\.b": only letters, digits, "-" and "_"/);
  t.regex(
    found.reported.join('\n'),
    /identity-login\.js warning handles identity-login, an event that nexthop does not have/,
  );
});

test('a linked folder is no function, a linked file is', async (t) => {
  const opened = await project(t, { ...inFolder(['a.ts']), 'lib/dir/index.ts': MODERN, 'lib/file.ts': MODERN });
  await symlink('../../lib/dir', join(opened.root, FOLDER, 'dir'));
  await symlink('../../lib/file.ts', join(opened.root, FOLDER, 'linked.ts'));
  await symlink('nowhere.ts', join(opened.root, FOLDER, 'lost.ts'));

  const found = await findAgain(opened);

  t.deepEqual(
    found.declarations.map(({ name }) => name),
    ['a', 'linked', 'lost'],
  );
  t.is(found.of('linked').path, join(opened.root, 'lib/file.ts'));
  t.deepEqual(found.ignored, [{ file: `${FOLDER}/dir`, reason: 'a link to a folder, which Netlify does not follow' }]);
});

test("a user's function has precedence over a framework's, and the newer folder of frameworks over the older", async (t) => {
  const found = await findIn(t, {
    ...inFolder(['own.ts']),
    '.netlify/functions-internal/own/own.mjs': MODERN,
    '.netlify/functions-internal/ssr.mjs': MODERN,
    '.netlify/v1/functions/ssr/ssr.mjs': MODERN,
    '.netlify/v1/functions/image.mjs': MODERN,
  });

  t.deepEqual(
    found.declarations.map(({ name, file, generated }) => [name, file, generated]),
    [
      ['own', 'netlify/functions/own.ts', false],
      ['image', '.netlify/v1/functions/image.mjs', true],
      ['ssr', '.netlify/v1/functions/ssr/ssr.mjs', true],
    ],
  );
  t.is(found.ignored.length, 2);
  t.deepEqual(found.problems, []);
});

test('the JSON file of a generated function overrides netlify.toml, and the config in its source overrides both', async (t) => {
  const found = await findIn(t, {
    'netlify.toml': '[functions]\ntimeout = 1',
    '.netlify/v1/functions/a.mjs': `${MODERN} export const config = { timeout: 3 };`,
    '.netlify/v1/functions/a.json': '{"version": 1, "config": {"timeout": 2, "name": "Page A", "generator": "x"}}',
    '.netlify/v1/functions/b/b.mjs': MODERN,
    '.netlify/v1/functions/b/b.json': '{"version": 1, "config": {"timeout": 2}}',
    '.netlify/v1/functions/c.mjs': MODERN,
    '.netlify/v1/functions/c.json': '{"version": 2}',
    '.netlify/v1/functions/d.mjs': MODERN,
    '.netlify/v1/functions/d.json': '{',
    'netlify/functions/e.mjs': MODERN,
    'netlify/functions/e.json': '{"version": 1, "config": {"timeout": 2}}',
  });

  t.like(found.of('a').config, { timeoutMs: 3000, displayName: 'Page A' });
  t.is(found.of('b').config.timeoutMs, 2000);
  t.is(found.of('c').config.timeoutMs, 1000);
  t.is(found.of('e').config.timeoutMs, 1000);
  t.regex(found.reported[0] ?? '', /c\.json warning must have "version": 1/);
  t.regex(found.reported[1] ?? '', /d\.json warning cannot be read: /);
});

test('netlify.toml may name another folder', async (t) => {
  const text = '[functions]\ndirectory = "src/api"';
  const found = await findIn(t, { 'netlify.toml': text, 'src/api/a.ts': MODERN, 'netlify/functions/b.ts': MODERN });
  const missing = await findIn(t, { 'netlify.toml': text, 'netlify/functions/b.ts': MODERN });

  t.deepEqual(
    found.declarations.map(({ file }) => file),
    ['src/api/a.ts'],
  );
  t.deepEqual(missing.declarations, []);
});

test('a folder that cannot be listed is an error', async (t) => {
  const opened = await project(t, {});
  await mkdir(join(opened.root, 'netlify'));
  await symlink('functions', join(opened.root, FOLDER));

  const found = await findAgain(opened);

  t.regex(found.reported[0] ?? '', /^netlify\/functions error cannot be read: ELOOP/);
});
