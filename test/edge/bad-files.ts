import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** Functions of both platforms that import no bad file. */
const GOOD = {
  'cloud-functions/good.js': "export const onRequest = () => new Response('good');",
  'netlify/functions/good.mjs': "export default () => new Response('good');",
};

/** A site in which every other function imports a bad file. */
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

/** The reported line of each bad file. */
const REPORTED = [
  ['warning', 'package.json:1:21', 'is not valid JSON: '],
  ['error', 'lib/syntax.mts:2:18', 'Unexpected "]"'],
  ['error', 'lib/package.mjs:2:15', 'package `no-such-package` is not installed: npm install no-such-package'],
  ['error', 'lib/name.ts:2:10', 'No matching export in "lib/other.mjs" for import "three": '],
  ['error', 'lib/data.json:1:2', ''],
  ['error', 'lib/gone.js:1:19', '"./nothing.js" does not exist: create lib/nothing.js, or correct the import'],
] as const;
const THROWS = ['error', 'lib/throws.js:3:7', 'throws while it loads: no database'] as const;

/** Names from inside nexthop and its compiler, which no message may contain. */
const INTERNAL_NAMES = /broken|lost-import|stand-in|common-js|esbuild|Build failed|ERROR:/;

async function answersOf(port: number): Promise<Readonly<Record<string, number>>> {
  const names = ['syntax', 'package', 'name', 'throws', 'json', 'gone'];
  const paths = [...names.map((name) => `/${name}`), ...names.map((name) => `/.netlify/functions/n-${name}`)];
  const all = [...paths, '/app', '/app/', '/app/x', '/good', '/.netlify/functions/good'];
  const answers = all.map(async (path) => [path, (await fetch(`http://127.0.0.1:${port}${path}`)).status] as const);
  return Object.fromEntries(await Promise.all(answers));
}

function checkAnswers(t: ExecutionContext, answers: Readonly<Record<string, number>>): void {
  for (const [path, status] of Object.entries(answers)) t.is(status, path.endsWith('good') ? 200 : 500, path);
}

function checkOutput(
  t: ExecutionContext,
  text: string,
  expected: readonly (readonly [string, string, string])[],
): void {
  const lines = text.split('\n').filter((line) => /^ {2}(?:error|warning) /.test(line));
  for (const [severity, location, message] of expected) {
    const found = lines.filter((line) => line.includes(` ${location} `));
    t.is(found.length, 1, `one line for ${location}: ${lines.join('\n')}`);
    t.true(found[0]?.includes(`${severity} `) && found[0].includes(` ${location} ${message}`), found[0]);
  }
  t.is(lines.length, expected.length, lines.join('\n'));
  t.notRegex(text, INTERNAL_NAMES);
}

async function logOf(running: RunningProcess): Promise<string> {
  return readFile(join(running.logDir, 'error.log'), 'utf8');
}

test('one bad file costs only the routes that need it, and is reported in one line', async (t) => {
  const running = await startNexthop(t, { site: await siteFolder(t, BAD) });

  checkAnswers(t, await answersOf(running.port));

  checkOutput(t, running.output(), [...REPORTED, THROWS]);
  running.child.kill('SIGTERM');
  t.is(await running.exited, 0);
  const log = await logOf(running);
  t.notRegex(log, INTERNAL_NAMES);
  t.regex(log, /lib\/throws\.js:3:7/, 'the log line of the request has the location of the throw');
});

test('build reports each bad file in one line and fails', async (t) => {
  const site = await siteFolder(t, BAD);
  const failed = await runNexthop(t, { args: ['build', site] });

  t.is(await failed.exited, 1);
  checkOutput(t, failed.output(), REPORTED);
});

/** Files that compile, and fail when they are loaded or later. */
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
  test(`code that fails while it loads, or later, fails only the requests that need it: ${way}`, async (t) => {
    const site = await siteFolder(t, LATER);
    if (way === 'from a build') {
      const built = await runNexthop(t, { args: ['build', site] });
      t.is(await built.exited, 0, built.output());
    }
    const running = await startNexthop(t, { site });
    const get = async (path: string, method = 'GET'): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${running.port}${path}`, { method });
      return answer.status === 200 ? answer.text() : String(answer.status);
    };

    for (const path of ['/throws', '/app', '/app/', '/app/x', '/requires']) t.is(await get(path), '500', path);
    t.is(await get('/late'), 'works');
    t.is(await get('/late', 'POST'), 'ERR_MODULE_NOT_FOUND');
    t.is(await get('/late', 'PUT'), '500');
    t.is(await get('/external'), 'works');
    t.is(await get('/external', 'POST'), '500');
    for (const path of ['/good', '/.netlify/functions/good']) t.is(await get(path), 'good');
    checkOutput(t, running.output(), [
      ['error', 'lib/throws.ts:3:7', 'throws while it loads: no database'],
      ['error', 'cloud-functions/requires.cjs:2:19', 'package `no-such` is not installed: npm install no-such'],
      ['warning', 'cloud-functions/late.js:3:46', '"./nothing.js" does not exist: create cloud-functions/nothing.js'],
    ]);
    running.child.kill('SIGTERM');
    t.is(await running.exited, 0);
    const log = await logOf(running);
    t.notRegex(log, INTERNAL_NAMES);
    t.regex(log, /cloud-functions\/external\.js:2:40/, 'the package fails where it is used');
  });
}

test('a reload keeps the code that worked before, and reports each bad file in one line', async (t) => {
  const site = await siteFolder(t, {
    ...GOOD,
    'lib/help.mjs': "export const b = 'old';",
    'cloud-functions/needs.js': "import { b } from '../lib/help.mjs'; export const onRequest = () => new Response(b);",
    'netlify/functions/needs.mjs': "import { b } from '../../lib/help.mjs'; export default () => new Response(b);",
  });
  const running = await startEdge(t, { site });
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(running.url + path);
    return answer.status === 200 ? answer.text() : String(answer.status);
  };
  const getAll = () =>
    Promise.all(['/needs', '/.netlify/functions/needs', '/good', '/.netlify/functions/good'].map(get));
  t.deepEqual(await getAll(), ['old', 'old', 'good', 'good']);

  for (const text of ['export const b = ];', "import x from 'no-such'; export const b = x;", "throw new Error('x');"]) {
    await writeFile(join(site, 'lib/help.mjs'), text);
    t.is((await running.edge.reload()).state, 'exchanged');
    t.deepEqual(await getAll(), ['old', 'old', 'good', 'good']);
  }
  await writeFile(join(site, 'lib/help.mjs'), "export const b = 'new';");
  await running.edge.reload();

  t.deepEqual(await getAll(), ['new', 'new', 'good', 'good']);
  const reported = await untilResult(
    async () => (await running.errorLines()).filter(({ file, code }) => file === 'lib/help.mjs' && code === undefined),
    ({ length }) => length >= 3,
  );
  t.deepEqual(
    reported.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ['lib/help.mjs:1:18', 'lib/help.mjs:1:15', 'lib/help.mjs:1:7'],
  );
});

test('after a reload with a bad helper, functions that need it keep their code', async (t) => {
  const site = await siteFolder(t, {
    'lib/help.js': "export const b = 'old';",
    'cloud-functions/needs.js': "import { b } from '../lib/help.js'; export const onRequest = () => new Response(b);",
  });
  const running = await startEdge(t, { site });

  await writeFile(join(site, 'lib/help.js'), 'export const b = ];');
  const outcome = await running.edge.reload();

  t.is(outcome.state, 'exchanged');
  t.is(await (await fetch(`${running.url}/needs`)).text(), 'old');
});
