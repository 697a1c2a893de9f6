import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { JobRule } from '../../../src/contract/job-rule.ts';
import type { Project } from '../../../src/contract/project.ts';
import { netlify } from '../../../src/dialects/netlify/netlify.ts';
import { openFunctions } from '../../../src/dialects/netlify/open-functions.ts';
import { createRouter } from '../../../src/routing/router.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { findAgain, MODERN } from '../../helpers/netlify-findings.ts';
import { project } from '../../helpers/project.ts';
import { until } from '../../helpers/until.ts';

const AT = '/.netlify/functions';

interface Row {
  readonly title: string;
  readonly text: string;
  readonly file?: string;
  readonly status: number;
  readonly body?: string;
}

/** The exports of a module, and the response to a request. */
const EXPORTS: readonly Row[] = [
  { title: 'a function', text: MODERN, status: 200, body: 'ok' },
  {
    title: 'an object with fetch',
    text: 'export default { fetch: () => new Response("app") };',
    status: 200,
    body: 'app',
  },
  {
    title: 'module.exports as a function',
    text: 'module.exports = () => new Response("cjs");',
    file: 'a.cjs',
    status: 200,
    body: 'cjs',
  },
  {
    title: 'exports.default',
    text: 'exports.default = () => new Response("cjs");',
    file: 'a.js',
    status: 200,
    body: 'cjs',
  },
  {
    title: 'a compiled default',
    text: 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = () => new Response("cjs");',
    file: 'a.js',
    status: 200,
    body: 'cjs',
  },
  {
    title: 'a handler beside a default',
    text: `${MODERN} export const handler = async () => ({ statusCode: 200, body: "lambda" });`,
    status: 200,
    body: 'lambda',
  },
  {
    title: 'exports.handler',
    text: 'exports.handler = async () => ({ statusCode: 201, body: "old" });',
    file: 'a.js',
    status: 201,
    body: 'old',
  },
  {
    title: 'an app that has a handler of its own',
    text: 'export default { handler() { throw new Error("not this one"); }, fetch: () => new Response("app") };',
    status: 200,
    body: 'app',
  },
  { title: 'a class', text: 'export default class App {}', status: 500 },
];

for (const { title, text, file = 'a.mts', status, body } of EXPORTS) {
  test(`a module that exports ${title} responds with ${status}`, async (t) => {
    const { url, reading } = await serveDialect(t, netlify, { [`netlify/functions/${file}`]: text });

    const response = await fetch(`${url}${AT}/a`);

    t.is(response.status, status);
    if (body !== undefined) t.is(await response.text(), body);
    t.deepEqual(reading.problems, []);
  });
}

test('the globals of the platform exist before the first line of a function runs', async (t) => {
  const { url, reading } = await serveDialect(t, netlify, {
    'netlify/functions/a.ts': `const seen = [typeof Netlify.env.get, Netlify.context, typeof awslambda.streamifyResponse, typeof URLPattern];
      export default () => Response.json(seen);`,
  });

  t.deepEqual(reading.problems, []);
  t.deepEqual(await (await fetch(`${url}${AT}/a`)).json(), ['function', null, 'function', 'function']);
});

test('a function that does not parse, or throws while it loads, responds with 500 and does not affect the others', async (t) => {
  const { url, reading, faults } = await serveDialect(t, netlify, {
    'netlify/functions/bad.ts': 'export default () => {\n  return ];\n};',
    'netlify/functions/throws.ts': `throw new Error("no database"); ${MODERN}`,
    'netlify/functions/good.ts': MODERN,
  });

  t.deepEqual(
    reading.problems.map(({ severity, file, line, message }) => [severity, file, line, message]),
    [
      ['error', 'netlify/functions/bad.ts', 2, 'Unexpected "]"'],
      ['error', 'netlify/functions/throws.ts', 1, 'throws while it loads: no database'],
    ],
  );
  t.is((await fetch(`${url}${AT}/bad`)).status, 500);
  t.is((await fetch(`${url}${AT}/throws`)).status, 500);
  t.is(faults[1]?.code, 'function_error');
  t.is((await fetch(`${url}${AT}/good`)).status, 200);
});

test('a function that does not parse answers 500 on the paths that its text shows, and is reported without one', async (t) => {
  const broken = 'export default () => {\n  return ];\n};\n';
  const { url, reading } = await serveDialect(t, netlify, {
    'netlify/functions/shown.ts': `${broken}export const config: Config = { path: ['/a', '/b/:c'], method: 'GET' };`,
    'netlify/functions/lost.ts': `${broken}export { settings as config } from './settings.ts'; // with a path`,
  });

  for (const path of ['/a', '/b/x', `${AT}/lost`]) t.is((await fetch(url + path)).status, 500, path);
  // Passed on.
  t.is((await fetch(`${url}/a`, { method: 'POST' })).status, 421);
  t.deepEqual(
    reading.problems.map(({ severity, file, message }) => `${severity} ${file} ${message}`),
    [
      'error netlify/functions/lost.ts Unexpected "]"',
      'error netlify/functions/shown.ts Unexpected "]"',
      'error netlify/functions/lost.ts has a path that cannot be read from its text, so requests for it go to the next hop; /.netlify/functions/lost answers 500',
    ],
  );
});

test('a function that compiles but whose config cannot be parsed is reported, and runs', async (t) => {
  const { url, reading } = await serveDialect(t, netlify, {
    'netlify/functions/a.ts': `const tag = (x) => x; export @tag class A {}
      export const config = { path: '/x' }; ${MODERN}`,
  });

  t.like(reading.problems, [{ severity: 'warning', file: 'netlify/functions/a.ts', line: 1 }]);
  t.regex(reading.problems[0]?.message ?? '', /^its config cannot be read: /);
  t.is((await fetch(`${url}${AT}/a`)).status, 200);
});

test('a module that is still loading after the start responds with 500 until it has loaded', async (t) => {
  const loaded: unknown[] = [];
  const text = `await new Promise((go) => { globalThis.letSlowFunctionGo = go; }); ${MODERN}`;
  const silent = await project(t, { 'netlify/functions/slow.ts': text });
  const info = (_: string, fields: object = {}) => void loaded.push(...Object.values(fields));
  const opened = { ...silent, log: { ...silent.log, info } };
  const found = await findAgain(opened);
  const { routes, problems } = await openFunctions(opened, found, { loadLimitMs: 50 });
  const router = createRouter(routes);
  const { port } = await serveExchanges(t, async (exchange) => {
    for (const { route, params } of router.find('GET', exchange.target)) await route.target.answer(exchange, params);
  });
  const status = async () => (await fetch(`http://127.0.0.1:${port}${AT}/slow`)).status;

  t.like(problems[0], { file: 'netlify/functions/slow.ts', line: 1, column: 1 });
  t.regex(
    problems[0]?.message ?? '',
    /^is still loading after \d+\.?\d* s: it waits at the await outside of functions at netlify\/functions\/slow\.ts:1:1; until it has loaded, its route answers 500$/,
  );
  t.is(await status(), 500);
  // Set by the function above.
  (globalThis as unknown as { letSlowFunctionGo(): void }).letSlowFunctionGo();
  await until(() => loaded.includes('netlify/functions/slow.ts'), 'the function to load');
  t.is(await status(), 200);
});

const SCHEDULED = `${MODERN} export const config = { schedule: '@daily' };`;

test('a scheduled function has a rule, and a route only in development', async (t) => {
  const files = { 'netlify/functions/a.ts': SCHEDULED };
  const production = await netlify.read(await project(t, files));
  const development = await netlify.read(await project(t, files, { dev: true }));

  t.deepEqual(
    production.routes.map(({ about }) => about),
    ['image CDN'],
  );
  t.deepEqual(toRules(production.jobRules), [['netlify/a', '@daily', 0]]);
  t.deepEqual(
    development.routes.map(({ isForDevelopment = false }) => isForDevelopment),
    [true, false],
  );
});

test('limits of jobs are those of the function, else those of the settings', async (t) => {
  const parts: Partial<Project> = {
    functionLimits: { ...(await project(t, {})).functionLimits, backgroundMs: 900_000, scheduledMs: 30_000 },
  };
  const opened = await project(
    t,
    {
      'netlify/functions/a-background.ts': MODERN,
      'netlify/functions/b-background.ts': `${MODERN} export const config = { timeout: 5 };`,
      'netlify/functions/c.ts': SCHEDULED,
    },
    parts,
  );

  t.deepEqual(toRules((await netlify.read(opened)).jobRules), [
    ['netlify/a-background', undefined, 900_000],
    ['netlify/b-background', undefined, 5000],
    ['netlify/c', '@daily', 30_000],
  ]);
});

function toRules(rules: readonly JobRule[] = []): unknown {
  return rules.map(({ name, schedule, timeoutMs }) => [name, schedule, timeoutMs]);
}

test('an edge function without a path is reported: it never runs', async (t) => {
  const { problems } = await netlify.read(
    await project(t, { 'netlify/edge-functions/guard.ts': 'export default () => {};' }),
  );

  t.like(problems, { ...[{ severity: 'warning', file: 'netlify/edge-functions/guard.ts' }], length: 1 });
  t.regex(problems[0]?.message ?? '', /path/);
});

test('a site behind a symbolic link is read at its real path', async (t) => {
  const opened = await project(t, { 'netlify/functions/a.ts': MODERN });
  const link = `${opened.root}-link`;
  await symlink(opened.root, link);
  const { problems, routes } = await netlify.read({ ...opened, root: link, dataDir: join(opened.root, '.nexthop') });

  t.deepEqual(problems, []);
  t.true(routes.length > 0);
});

test('the folder of files is the one that netlify.toml publishes, except for dist', async (t) => {
  const named = await project(t, { 'netlify.toml': '[build]\npublish = "_site"' });
  const dist = await project(t, { 'netlify.toml': '[build]\npublish = "dist/"', 'dist/index.html': '' });

  t.deepEqual((await netlify.read(named)).fileFolders, [
    { folder: '_site', namedBy: { file: 'netlify.toml', line: 2, key: 'build.publish' } },
  ]);
  t.is((await netlify.read(dist)).fileFolders, undefined);
});

test('no file is served in the place of a dist that netlify.toml publishes and that is not built', async (t) => {
  const unbuilt = await project(t, { 'netlify.toml': '[build]\npublish = "dist"', 'index.html': 'source' });

  t.deepEqual((await netlify.read(unbuilt)).fileFolders, []);
});

test('a package that is set as external fails where it is used, wherever that is set', async (t) => {
  const uses = (name: string) => `import used from '${name}'; import { part } from '${name}/sub';
    const fails = (use) => { try { return use(); } catch (error) { return error.code; } };
    export default () => Response.json([fails(() => used()), fails(() => part.x)]);`;
  const { url, reading } = await serveDialect(t, netlify, {
    'netlify.toml': `[functions]\nexternal_node_modules = ["of-all"]\n[functions."glob-*"]\nexternal_node_modules = ["@of/glob"]`,
    'netlify/functions/all.mjs': uses('of-all'),
    'netlify/functions/glob-one.mjs': uses('@of/glob'),
    'netlify/functions/own.mjs': `${uses('of-source')} export const config = { externalNodeModules: ['of-source'] };`,
  });

  t.deepEqual(reading.problems, []);
  for (const name of ['all', 'glob-one', 'own']) {
    const code = 'ERR_MODULE_NOT_FOUND';
    t.deepEqual(await (await fetch(`${url}${AT}/${name}`)).json(), [code, code], name);
  }
});

test('an invalid list of external packages is reported with its line', async (t) => {
  const { reading } = await serveDialect(t, netlify, {
    'netlify.toml': '[functions]\nexternal_node_modules = "sharp"\n',
    'netlify/functions/a.mjs': MODERN,
  });

  t.like(reading.problems, [{ severity: 'warning', file: 'netlify.toml', line: 2 }]);
  t.regex(reading.problems[0]?.message ?? '', /must be a list of names of packages, got "sharp"/);
});

test('a function whose exports throw when they are looked at costs its own route alone', async (t) => {
  const { url, reading } = await serveDialect(t, netlify, {
    'netlify/functions/bad.mjs': "export default { get default() { throw new Error('not yet'); } };",
    'netlify/functions/good.mjs': MODERN,
  });

  t.deepEqual(reading.problems, [
    { severity: 'error', file: 'netlify/functions/bad.mjs', message: 'its exports cannot be used: not yet' },
  ]);
  t.is((await fetch(`${url}${AT}/bad`)).status, 500);
  t.is((await fetch(`${url}${AT}/good`)).status, 200);
});
