import test from 'ava';
import { edgeone } from '../../../src/dialects/edgeone/edgeone.ts';
import { findFiles } from '../../../src/dialects/edgeone/functions/find-files.ts';
import { openEntries } from '../../../src/dialects/edgeone/functions/open-entries.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { project } from '../../helpers/project.ts';

const GOOD = "export const onRequest = () => 'good';";

test('a function that does not parse is named with file, line and column; its route answers 500 and the rest runs', async (t) => {
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

test('a helper that does not parse costs only the functions that import it', async (t) => {
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

test('a helper that does not parse and that no function imports is nobody’s problem', async (t) => {
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

test('a module that throws while it loads costs its own route alone', async (t) => {
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

test('a missing import is named where it stands', async (t) => {
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

test('a module that loads late answers 500 until it has loaded, and then as it should', async (t) => {
  const text = 'await new Promise((go) => { globalThis.finishLate = go }); export const onRequest = () => "here";';
  const opened = await project(t, { 'cloud-functions/late.js': text });
  const { files } = await findFiles(opened.root);

  const { routes, problems } = await openEntries({ project: opened, files, loadLimitMs: 20 });

  t.like(problems, [{ severity: 'error', file: 'cloud-functions/late.js' }]);
  const { port } = await serveExchanges(t, async (exchange) => {
    await routes[0]?.target.answer(exchange, {});
  });
  const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/`);
  t.is((await ask()).status, 500);
  (globalThis as unknown as { finishLate(): void }).finishLate(); // set by the module above
  t.is(await (await ask()).json(), 'here');
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

test('a list of external packages that is none is told with its line', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'edgeone.json': '{"cloudFunctions": {"nodejs": {\n"externalNodeModules": "sharp"}}}',
    'cloud-functions/good.js': GOOD,
  });

  t.like(reading.problems, [{ severity: 'error', file: 'edgeone.json', line: 2 }]);
  t.regex(reading.problems[0]?.message ?? '', /must be a list of names of packages, got "sharp"/);
});
