import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { CloudFunctions } from '../../../src/dialects/edgeone/functions/cloud-functions.ts';
import { CLOUD_FUNCTIONS, findFiles } from '../../../src/dialects/edgeone/functions/find-files.ts';
import { openEntries } from '../../../src/dialects/edgeone/functions/open-entries.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { project } from '../../helpers/project.ts';

const GOOD = "export const onRequest = () => 'good';";

test('a function that does not parse is reported with file, line and column, its route answers 500, and others work', async (t) => {
  const { url, reading, faults } = await serveDialect(t, edgeone, {
    'cloud-functions/bad.js': 'export const onRequest = () => {\n  return ];\n};',
    'cloud-functions/good.js': GOOD,
  });

  const bad = await fetch(`${url}/bad`);

  t.deepEqual(reading.problems, [
    { severity: 'error', file: 'cloud-functions/bad.js', line: 2, column: 10, message: 'Unexpected "]"' },
  ]);
  t.is(bad.status, 500);
  t.is(faults[0]?.code, 'function_error');
  t.is(await (await fetch(`${url}/good`)).json(), 'good');
});

test('a helper that does not parse affects only the functions that import it', async (t) => {
  const { url, reading } = await serveDialect(t, edgeone, {
    'cloud-functions/_help.js': 'export const help = ];',
    'cloud-functions/bad.js': "import { help } from './_help.js'; export const onRequest = () => help;",
    'cloud-functions/good.js': GOOD,
  });

  t.deepEqual(reading.problems, [
    {
      severity: 'error',
      file: 'cloud-functions/_help.js',
      line: 1,
      column: 21,
      message: 'Unexpected "]"',
      stops: ['cloud-functions/bad.js'],
    },
  ]);
  t.is((await fetch(`${url}/bad`)).status, 500);
  t.is((await fetch(`${url}/good`)).status, 200);
});

test('a helper that does not parse and that no function imports is not reported', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'cloud-functions/draft.js': 'export const draft = ];',
    'cloud-functions/good.js': GOOD,
  });

  t.deepEqual(reading.problems, []);
  t.deepEqual(
    reading.ignored.map(({ file }) => file),
    ['cloud-functions/draft.js'],
  );
});

test('a module that throws while it loads affects only its own route', async (t) => {
  const { url, reading, faults } = await serveDialect(t, edgeone, {
    'cloud-functions/bad.js': "throw new Error('no database'); export const onRequest = () => 1;",
    'cloud-functions/good.js': GOOD,
  });

  t.deepEqual(reading.problems, [
    {
      severity: 'error',
      file: 'cloud-functions/bad.js',
      line: 1,
      column: 7,
      message: 'throws while it loads: no database',
    },
  ]);
  t.is((await fetch(`${url}/bad`)).status, 500);
  t.regex(String(faults[0]?.cause), /no database/);
  t.is((await fetch(`${url}/good`)).status, 200);
});

test('a missing import is reported with its line and column', async (t) => {
  const { url, reading } = await serveDialect(t, edgeone, {
    'cloud-functions/bad.js': "import x from 'no-such-package';\nexport const onRequest = () => x;",
  });

  t.deepEqual(reading.problems, [
    {
      severity: 'error',
      file: 'cloud-functions/bad.js',
      line: 1,
      column: 15,
      message: 'package `no-such-package` is not installed: npm install no-such-package',
    },
  ]);
  t.is((await fetch(`${url}/bad`)).status, 500);
});

test('a module that loads late answers 500 until it has loaded, and then works', async (t) => {
  const text = 'await new Promise((go) => { globalThis.finishLate = go }); export const onRequest = () => "here";';
  const opened = await project(t, { 'cloud-functions/late.js': text });
  const { files } = await findFiles(opened.root, CLOUD_FUNCTIONS);

  const { routes, problems } = await openEntries({
    project: opened,
    kind: new CloudFunctions(opened),
    files,
    loadLimitMs: 20,
  });

  t.like(problems, [{ severity: 'error', file: 'cloud-functions/late.js' }]);
  const { port } = await serveExchanges(t, async (exchange) => {
    await routes[0]?.target.answer(exchange, {});
  });
  const get = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/`);
  t.is((await get()).status, 500);
  (globalThis as unknown as { finishLate(): void }).finishLate(); // set by the module above
  t.is(await (await get()).json(), 'here');
});

const EXPRESS =
  "import express from 'express'; const app = express(); app.get('/', (_, response) => response.send('top'));";

for (const [title, text, location] of [
  ['throws while it loads', `${EXPRESS}\nthrow new Error('no database'); export default app;`, [2, 7]],
  ['does not parse', `${EXPRESS}\nexport default ];`, [2, 16]],
  ['lacks a package', "import x from 'no-such'; export default x;", [1, 15]],
] as const) {
  test(`an app that ${title} answers 500 in its bare folder and below it, and is reported with its location`, async (t) => {
    const { url, reading, faults } = await serveDialect(t, edgeone, {
      'cloud-functions/app/[[default]].ts': text,
      'cloud-functions/other/[[default]].ts': `${EXPRESS} export default app;`,
    });

    t.like(reading.problems, [{ file: 'cloud-functions/app/[[default]].ts', line: location[0], column: location[1] }]);
    t.is(reading.problems.length, 1);
    for (const path of ['/app', '/app/', '/app?x', '/app/x', '/app/x/y/']) {
      t.is((await fetch(url + path)).status, 500, path);
    }
    t.true(faults.every(({ code, cause }) => code === 'function_error' && cause !== undefined));
    t.is(await (await fetch(`${url}/other`)).text(), 'top');
  });
}

test('an error thrown by a helper of an app is reported with the line in the helper and the app that it stops', async (t) => {
  const { url, reading } = await serveDialect(t, edgeone, {
    'cloud-functions/app/[[default]].ts': `import { db } from '../../lib/db'; ${EXPRESS} export default db(app);`,
    'lib/db.ts': "interface Db {}\n\nexport function db(_: unknown): Db {\n  throw new Error('no database');\n}",
  });

  t.deepEqual(reading.problems, [
    {
      severity: 'error',
      file: 'lib/db.ts',
      line: 4,
      column: 9,
      message: 'throws while it loads: no database',
      stops: ['cloud-functions/app/[[default]].ts'],
    },
  ]);
  t.is((await fetch(`${url}/app`)).status, 500);
});

for (const [title, text] of [
  ['throws while it loads', "throw new Error('x'); export const onRequest = () => 1;"],
  ['does not parse', 'export const onRequest = ];'],
] as const) {
  test(`a catch-all with a handler that ${title} does not answer its bare folder`, async (t) => {
    const { url } = await serveDialect(t, edgeone, { 'cloud-functions/all/[[rest]].js': text });

    t.is((await fetch(`${url}/all/x`)).status, 500);
    t.is((await fetch(`${url}/all`)).status, 421);
    t.is((await fetch(`${url}/all/`)).status, 421);
  });
}

test('the bare folder of an app is answered by a file with exactly that path, whether the app works or not', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'cloud-functions/a/[[default]].js': "throw new Error('x'); export default 1;",
    'cloud-functions/a.js': GOOD,
    'cloud-functions/b/[[default]].js': `${EXPRESS} export default app;`,
    'cloud-functions/b.js': GOOD,
    'cloud-functions/c/[[default]].js': "throw new Error('x'); export default 1;",
    'cloud-functions/c/index.js': GOOD,
  });

  for (const path of ['/a', '/b', '/c']) t.is(await (await fetch(url + path)).json(), 'good', path);
});

test('a package that edgeone.json names as external fails where it is used', async (t) => {
  const { url, reading, faults } = await serveDialect(t, edgeone, {
    'edgeone.json': JSON.stringify({
      cloudFunctions: { nodejs: { externalNodeModules: ['of-elsewhere'] } },
      nodeFunctionsConfig: { externalNodeModules: ['of-before'] },
      'node-functions': { external_node_modules: ['of-long-ago'] },
    }),
    'cloud-functions/a.js': `import one from 'of-elsewhere'; import { two } from 'of-before'; import * as three from 'of-long-ago';
      const fails = (use) => { try { return use(); } catch (error) { return error.code; } };
      export const onRequestGet = () => new Response([() => one(), () => two, () => three.x].map(fails).join());
      export const onRequestPost = () => one();`,
  });

  const code = 'ERR_MODULE_NOT_FOUND';
  t.deepEqual(reading.problems, []);
  t.is(await (await fetch(`${url}/a`)).text(), [code, code, code].join());
  t.is((await fetch(`${url}/a`, { method: 'POST' })).status, 500);
  t.regex(String(faults[0]?.cause), /Cannot find package 'of-elsewhere'/);
});

test('an invalid list of external packages is reported with its line', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'edgeone.json': '{"cloudFunctions": {"nodejs": {\n"externalNodeModules": "sharp"}}}',
    'cloud-functions/good.js': GOOD,
  });

  t.like(reading.problems, [{ severity: 'error', file: 'edgeone.json', line: 2 }]);
  t.regex(reading.problems[0]?.message ?? '', /must be a list of package names, got "sharp"/);
});

test('an app whose exports throw when they are read affects only its own routes', async (t) => {
  const { url, reading } = await serveDialect(t, edgeone, {
    'cloud-functions/app/[[default]].js': "export default { get fetch() { throw new Error('not yet'); } };",
    'cloud-functions/good.js': GOOD,
  });

  t.like(reading.problems, [{ severity: 'error', file: 'cloud-functions/app/[[default]].js' }]);
  t.is(reading.problems[0]?.message, 'its exports cannot be used: not yet');
  for (const path of ['/app', '/app/x']) t.is((await fetch(url + path)).status, 500);
  t.is((await fetch(`${url}/good`)).status, 200);
});
