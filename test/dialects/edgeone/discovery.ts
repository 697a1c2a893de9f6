import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { project } from '../../helpers/project.ts';

const HANDLER = 'export const onRequest = () => 1;';

test('node-functions is read only if cloud-functions is missing or empty', async (t) => {
  const missing = await project(t, { 'node-functions/old.js': HANDLER });
  const empty = await project(t, { 'node-functions/old.js': HANDLER });
  await mkdir(join(empty.root, 'cloud-functions'));
  const both = await project(t, { 'node-functions/old.js': HANDLER, 'cloud-functions/new.js': HANDLER });

  const readings = await Promise.all([missing, empty, both].map((each) => edgeone.read(each)));

  t.deepEqual(
    readings.map(({ routes }) => routes.map(({ pattern }) => pattern.text)),
    [['/old'], ['/old'], ['/new']],
  );
});

test('a site without functions has no routes and no problems', async (t) => {
  const opened = await project(t, { 'index.html': '' });

  const { routes, ignored, problems, jobRules = [], lateProblems } = await edgeone.read(opened);

  t.deepEqual([routes, ignored, problems, jobRules, lateProblems?.() ?? []], [[], [], [], [], []]);
});

test('entries are .js, .ts, .cjs, .jsx and .tsx; .mjs, .mts and .cts may only be imported', async (t) => {
  const extensions = ['js', 'ts', 'cjs', 'jsx', 'tsx', 'mjs', 'mts', 'cts'];
  const files = extensions.map((extension) => [
    `cloud-functions/${extension}.${extension}`,
    extension === 'cjs' ? 'exports.onRequest = () => 1' : HANDLER,
  ]);

  const { reading } = await serveDialect(t, edgeone, Object.fromEntries(files));

  t.deepEqual(reading.routes.map(({ pattern }) => pattern.text).sort(), ['/cjs', '/js', '/jsx', '/ts', '/tsx']);
  t.deepEqual(
    reading.ignored.map(({ file }) => file).sort(),
    ['cts.cts', 'mjs.mjs', 'mts.mts'].map((name) => `cloud-functions/${name}`),
  );
});

test('tests, types, helpers and node_modules are not run and have no routes', async (t) => {
  const runs = 'globalThis.helperWasRun = true;';
  const files = {
    '_proxy.js': runs + HANDLER,
    '_lib/db.js': runs + HANDLER,
    '__tests__/hello.js': runs + HANDLER,
    'hello.test.ts': runs + HANDLER,
    'hello.d.ts': 'export declare function onRequest(): void;',
    'node_modules/x/index.js': runs + HANDLER,
    '.cache/x.js': runs + HANDLER,
    'lib/util.js': `${runs} export const util = 1;`,
    'with-auth.js': `${runs} export default function withAuth(onRequest) { return onRequest; }`,
    'pin.js': `${runs} export default async (request, response) => response.end('onRequest');`,
    'hello.js': HANDLER,
  };

  const { reading } = await serveDialect(
    t,
    edgeone,
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`cloud-functions/${path}`, text])),
  );

  t.deepEqual(
    reading.routes.map(({ pattern }) => pattern.text),
    ['/hello'],
  );
  t.false('helperWasRun' in globalThis);
});

test('a folder that contains a link to itself is read once', async (t) => {
  const opened = await project(t, { 'cloud-functions/a.js': HANDLER });
  await symlink('.', join(opened.root, 'cloud-functions/again'));

  const { routes } = await edgeone.read(opened);

  t.deepEqual(
    routes.map(({ pattern }) => pattern.text),
    ['/a'],
  );
});

test('a function may be a link to a file in another folder, and each link has its route', async (t) => {
  const { root, ...parts } = await project(t, {
    'shared/a.ts': "import { b } from './b'; export const onRequest = () => b;",
    'shared/b.ts': 'export const b = 1;',
  });
  await mkdir(join(root, 'cloud-functions'));
  for (const name of ['one.ts', 'two.ts']) await symlink('../shared/a.ts', join(root, 'cloud-functions', name));

  const { routes, problems } = await edgeone.read({ root, ...parts });

  t.deepEqual(problems, []);
  t.deepEqual(
    routes.map(({ pattern }) => pattern.text),
    ['/one', '/two'],
  );
});

test('a site whose folder is a link is read like any other', async (t) => {
  const opened = await project(t, { 'release/cloud-functions/a.js': 'export const onRequest = ];' });
  await symlink('release', join(opened.root, 'current'));

  const { routes, problems } = await edgeone.read({ ...opened, root: join(opened.root, 'current') });

  t.is(routes[0]?.file, 'cloud-functions/a.js');
  t.like(problems, [{ file: 'cloud-functions/a.js', line: 1 }]);
});

test('a file that cannot be read affects only its own route', async (t) => {
  const opened = await project(t, { 'cloud-functions/a.js': HANDLER });
  // A broken link: root cannot read it either.
  await symlink('./nowhere.js', join(opened.root, 'cloud-functions/b.js'));

  const { routes, problems } = await edgeone.read(opened);

  t.deepEqual(
    routes.map(({ pattern }) => pattern.text),
    ['/a', '/b'],
  );
  t.like(problems, [{ severity: 'error', file: 'cloud-functions/b.js' }]);
});

(process.getuid?.() === 0 ? test.skip : test)('a folder that cannot be read is a problem (not as root)', async (t) => {
  const opened = await project(t, { 'cloud-functions/a.js': HANDLER, 'cloud-functions/locked/b.js': HANDLER });
  await chmod(join(opened.root, 'cloud-functions/locked'), 0);
  t.teardown(() => chmod(join(opened.root, 'cloud-functions/locked'), 0o700));

  const { routes, problems } = await edgeone.read(opened);

  t.is(routes.length, 1);
  t.like(problems, [{ severity: 'error', file: 'cloud-functions/locked' }]);
});
