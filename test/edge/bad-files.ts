import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Of both platforms: what imports nothing bad. */
const GOOD = {
  'cloud-functions/good.js': "export const onRequest = () => new Response('good');",
  'netlify/functions/good.mjs': "export default () => new Response('good');",
};

/** A site in which every function but two needs something bad. */
const BAD = {
  ...GOOD,
  'package.json': '{ "type": "module", ',
  'lib/syntax.mts': 'export const a: number = 1;\nexport const b = ];',
  'lib/package.mjs': "\nimport x from 'no-such-package';\nexport const b = x;",
  'lib/name.ts':
    "import { two } from './other.cjs';\nimport { three } from './other.mjs';\nexport const b = [two, three];",
  'lib/other.cjs': 'exports.two = 2;',
  'lib/other.mjs': 'export const four = 4;',
  'lib/throws.js': "\n\nthrow new Error('no database');",
  'lib/data.json': '{',
  'lib/json.js': "import data from './data.json'; export const b = data;",
  'lib/gone.js': "export { b } from './nothing.js';",
  'cloud-functions/app/[[default]].ts': "import { b } from '../../lib/throws.js';\nexport default b;",
  ...Object.fromEntries(
    ['syntax.mts', 'package.mjs', 'name.ts', 'throws.js', 'json.js', 'gone.js'].flatMap((file) => [
      [`cloud-functions/${nameOf(file)}.js`, `import { b } from '../lib/${file}'; export const onRequest = () => b;`],
      [
        `netlify/functions/n-${nameOf(file)}.mjs`,
        `import { b } from '../../lib/${file}'; export default () => Response.json(b);`,
      ],
    ]),
  ),
};

function nameOf(file: string): string {
  return file.replace(/\..*/, '');
}

/** Each bad file, with what is told of it. */
const TOLD = [
  ['warning', 'package.json:1:21', 'is no JSON: '],
  ['error', 'lib/syntax.mts:2:18', 'Unexpected "]"'],
  ['error', 'lib/package.mjs:2:15', 'package `no-such-package` is not installed: npm install no-such-package'],
  ['error', 'lib/name.ts:2:10', 'No matching export in "lib/other.mjs" for import "three": '],
  ['error', 'lib/data.json:1:2', ''],
  ['error', 'lib/gone.js:1:19', '"./nothing.js" is not there: create lib/nothing.js, or correct the import'],
] as const;
const THROWS = ['error', 'lib/throws.js:3:7', 'throws while it loads: no database'] as const;

/** Names that only nexthop and its compiler know. */
const INNER = /broken|lost-import|stand-in|common-js|esbuild|Build failed|ERROR:/;

async function answersOf(port: number): Promise<Readonly<Record<string, number>>> {
  const names = ['syntax', 'package', 'name', 'throws', 'json', 'gone'];
  const paths = [...names.map((name) => `/${name}`), ...names.map((name) => `/.netlify/functions/n-${name}`)];
  const all = [...paths, '/app', '/app/', '/app/x', '/good', '/.netlify/functions/good'];
  const answers = all.map(async (path) => [path, (await fetch(`http://127.0.0.1:${port}${path}`)).status] as const);
  return Object.fromEntries(await Promise.all(answers));
}

function lookAtAnswers(t: ExecutionContext, answers: Readonly<Record<string, number>>): void {
  for (const [path, status] of Object.entries(answers)) t.is(status, path.endsWith('good') ? 200 : 500, path);
}

function lookAtOutput(t: ExecutionContext, text: string, told: readonly (readonly [string, string, string])[]): void {
  const lines = text.split('\n').filter((line) => /^ {2}(?:error|warning) /.test(line));
  for (const [severity, place, message] of told) {
    const found = lines.filter((line) => line.includes(` ${place} `));
    t.is(found.length, 1, `one line for ${place}: ${lines.join('\n')}`);
    t.true(found[0]?.includes(`${severity} `) && found[0].includes(` ${place} ${message}`), found[0]);
  }
  t.is(lines.length, told.length, lines.join('\n'));
  t.notRegex(text, INNER);
}

async function logOf(running: RunningProcess): Promise<string> {
  return readFile(join(running.logDir, 'error.log'), 'utf8');
}

test('one bad file costs only the routes that need it, and is reported in one line', async (t) => {
  const running = await startNexthop(t, { site: await siteFolder(t, BAD) });

  lookAtAnswers(t, await answersOf(running.port));

  lookAtOutput(t, running.output(), [...TOLD, THROWS]);
  running.child.kill('SIGTERM');
  t.is(await running.exited, 0);
  const log = await logOf(running);
  t.notRegex(log, INNER);
  t.regex(log, /lib\/throws\.js:3:7/, 'the log of the request says where it was thrown');
});

test('build names each bad file in one line, and a site without errors is built beside what is only odd', async (t) => {
  const site = await siteFolder(t, BAD);
  const failed = await runNexthop(t, { args: ['build', site] });

  t.is(await failed.exited, 1);
  lookAtOutput(t, failed.output(), TOLD);
});

/** What compiles and fails when it is loaded, or later. */
const LATER = {
  ...GOOD,
  'lib/throws.ts': "type A = 1;\n\nthrow new Error('no database');\nexport const b = 1;",
  'cloud-functions/throws.js': "import { b } from '../lib/throws'; export const onRequest = () => b;",
  'cloud-functions/app/[[default]].ts': "import { b } from '../../lib/throws';\nexport default b;",
  'cloud-functions/requires.cjs': "\nconst x = require('no-such');\nexports.onRequest = () => x;",
  'cloud-functions/late.js': `export const onRequestGet = () => new Response('works');
    export const onRequestPost = async () => { try { await import('no-such'); } catch (error) { return new Response(error.code); } };
    export const onRequestPut = () => import('./nothing.js');`,
  'edgeone.json': '{"cloudFunctions": {"nodejs": {"externalNodeModules": ["of-elsewhere"]}}}',
  'cloud-functions/external.js': `import sharp from 'of-elsewhere'; export const onRequestGet = () => new Response('works');
    export const onRequestPost = () => sharp();`,
};

for (const way of ['compiled at start', 'from a build'] as const) {
  test(`what fails when it is loaded, or later, fails there alone: ${way}`, async (t) => {
    const site = await siteFolder(t, LATER);
    if (way === 'from a build') {
      const built = await runNexthop(t, { args: ['build', site] });
      t.is(await built.exited, 0, built.output());
    }
    const running = await startNexthop(t, { site });
    const ask = async (path: string, method = 'GET'): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${running.port}${path}`, { method });
      return answer.status === 200 ? answer.text() : String(answer.status);
    };

    for (const path of ['/throws', '/app', '/app/', '/app/x', '/requires']) t.is(await ask(path), '500', path);
    t.is(await ask('/late'), 'works');
    t.is(await ask('/late', 'POST'), 'ERR_MODULE_NOT_FOUND');
    t.is(await ask('/late', 'PUT'), '500');
    t.is(await ask('/external'), 'works');
    t.is(await ask('/external', 'POST'), '500');
    for (const path of ['/good', '/.netlify/functions/good']) t.is(await ask(path), 'good');
    lookAtOutput(t, running.output(), [
      ['error', 'lib/throws.ts:3:7', 'throws while it loads: no database'],
      ['error', 'cloud-functions/requires.cjs:2:19', 'package `no-such` is not installed: npm install no-such'],
      ['warning', 'cloud-functions/late.js:3:46', '"./nothing.js" is not there: create cloud-functions/nothing.js'],
    ]);
    running.child.kill('SIGTERM');
    t.is(await running.exited, 0);
    const log = await logOf(running);
    t.notRegex(log, INNER);
    t.regex(log, /cloud-functions\/external\.js:2:40/, 'the package fails where it is used');
  });
}

test('a reload continues with the routes that work, and reports each bad file in one line', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'lib/help.mjs': "export const b = 'old';",
    'cloud-functions/needs.js': "import { b } from '../lib/help.mjs'; export const onRequest = () => new Response(b);",
    'netlify/functions/needs.mjs': "import { b } from '../../lib/help.mjs'; export default () => new Response(b);",
  });
  const running = await startEdge(t, { site });
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(running.url + path);
    return answer.status === 200 ? answer.text() : String(answer.status);
  };
  const askAll = () =>
    Promise.all(['/needs', '/.netlify/functions/needs', '/good', '/.netlify/functions/good'].map(ask));
  t.deepEqual(await askAll(), ['old', 'old', 'good', 'good']);

  for (const text of ['export const b = ];', "import x from 'no-such'; export const b = x;", "throw new Error('x');"]) {
    await writeFile(join(site, 'lib/help.mjs'), text);
    t.deepEqual(await running.edge.reload(), { state: 'exchanged' });
    t.deepEqual(await askAll(), ['500', '500', 'good', 'good']);
  }
  await writeFile(join(site, 'lib/help.mjs'), "export const b = 'new';");
  await running.edge.reload();

  t.deepEqual(await askAll(), ['new', 'new', 'good', 'good']);
  const told = (await running.errorLines()).filter(({ file, code }) => file === 'lib/help.mjs' && code === undefined);
  t.deepEqual(
    told.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ['lib/help.mjs:1:18', 'lib/help.mjs:1:15', 'lib/help.mjs:1:7'],
  );
});

test('a reload keeps the site in use when a helper that every function needs is bad', async (t) => {
  const site = await siteFolder(t, {
    'lib/help.js': "export const b = 'old';",
    'cloud-functions/needs.js': "import { b } from '../lib/help.js'; export const onRequest = () => new Response(b);",
  });
  const running = await startEdge(t, { site });

  await writeFile(join(site, 'lib/help.js'), 'export const b = ];');
  const outcome = await running.edge.reload();

  t.is(outcome.state, 'kept');
  t.is(await (await fetch(`${running.url}/needs`)).text(), 'old');
});
