import { join } from 'node:path';
import test from 'ava';
import { type RoutesOptions, routes } from '../../src/cli/routes.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Dialect } from '../../src/contract/dialect.ts';
import { SiteError } from '../../src/contract/project.ts';
import { fixedDialect } from '../helpers/fixed-dialect.ts';
import { route } from '../helpers/route.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SMALL = fixedDialect({
  routes: [
    route('/api/*default', { file: 'cloud-functions/api/[[default]].js' }),
    route('/api/users/:id', { file: 'cloud-functions/api/users/[id].js', methods: ['GET', 'POST'] }),
    route('/hello', { file: 'cloud-functions/hello/index.js', methods: ['GET'] }),
    route('/hello', { file: 'cloud-functions/hello.js' }),
  ],
  ignored: [{ file: 'cloud-functions/_proxy.js', reason: 'exports no handler' }],
  problems: [
    { severity: 'error', file: 'cloud-functions/bad.js', line: 3, column: 7, message: 'Expected ";" but found "x"' },
    { severity: 'warning', file: 'cloud-functions/[[a]]/b.js', message: 'a catch-all must be last' },
  ],
});

const SMALL_TABLE = `
site SITE, 4 routes

routes
  order  methods   pattern         file                                dialect
  1      GET       /hello          cloud-functions/hello/index.js      test
  2      any       /hello          cloud-functions/hello.js            test
  3      GET,POST  /api/users/:id  cloud-functions/api/users/[id].js   test
  4      any       /api/*default   cloud-functions/api/[[default]].js  test

ignored
  cloud-functions/_proxy.js  exports no handler

problems
  cloud-functions/bad.js:3:7 error: Expected ";" but found "x"
  cloud-functions/[[a]]/b.js warning: a catch-all must be last
  cloud-functions/hello.js warning: never answers GET /hello: cloud-functions/hello/index.js answers first; remove one of the two, or give it another path
`;

test('routes prints which file answers which path, and all problems', async (t) => {
  const site = await siteFolder(t);
  const { text } = await run(site, { dialects: [SMALL] });

  t.is(`\n${text}\n`, SMALL_TABLE.replace('SITE', site));
});

test('for a site without routes, routes prints which files would define some', async (t) => {
  const site = await siteFolder(t);
  const dialects = [fixedDialect({}, 'one'), fixedDialect({}, 'second')];
  const { code, text } = await run(site, { dialects });

  t.is(code, 0);
  t.is(
    text,
    `site ${site}

no routes: every request goes to the next hop

looked for
  one     one-functions/**/*.js
  second  second-functions/**/*.js
  files   dist/client/ of a build with dist/server/, else dist/ with an index.html, else public/, else pages beside an index.html at the top`,
  );
});

test('a route that does not work makes the exit code 1, a warning does not', async (t) => {
  const site = await siteFolder(t);
  const warned = fixedDialect({ problems: [{ severity: 'warning', file: 'a.js', message: 'odd' }] });

  t.is((await run(site, { dialects: [SMALL] })).code, 1);
  t.is((await run(site, { dialects: [warned] })).code, 0);
});

test('--json prints the same for scripts', async (t) => {
  const site = await siteFolder(t);
  const { code, text } = await run(site, { dialects: [SMALL], json: true });
  const listing = JSON.parse(text);

  t.is(code, 1);
  t.deepEqual(Object.keys(listing), ['site', 'routes', 'jobs', 'conflicts', 'ignored', 'problems', 'notes']);
  t.is(listing.site, site);
  t.deepEqual(listing.routes[2], {
    methods: ['GET', 'POST'],
    pattern: '/api/users/:id',
    file: 'cloud-functions/api/users/[id].js',
    dialect: 'test',
    step: 4,
  });
  t.deepEqual(listing.conflicts, [
    {
      pattern: '/hello',
      methods: ['GET'],
      first: 'cloud-functions/hello/index.js',
      second: 'cloud-functions/hello.js',
    },
  ]);
  t.is(listing.problems.length, 3);
});

test('background and scheduled functions are listed, also without a route', async (t) => {
  const site = await siteFolder(t);
  const rule = { timeoutMs: 1, retryAfterMs: [], run: async () => {} };
  const jobRules = [
    { ...rule, name: 'netlify/mail-background', file: 'netlify/functions/mail-background.ts' },
    { ...rule, name: 'netlify/sweep', file: 'netlify/functions/sweep.ts', schedule: '@daily' },
  ];
  const dialects = [fixedDialect({ jobRules })];
  const { text } = await run(site, { dialects });
  const { jobs } = JSON.parse((await run(site, { dialects, json: true })).text);

  t.regex(text, /^jobs\n {2}netlify\/mail-background {2}on request {2}netlify\/functions\/mail-background\.ts$/m);
  t.regex(text, /^ {2}netlify\/sweep {12}@daily UTC {2}netlify\/functions\/sweep\.ts$/m);
  t.deepEqual(jobs, [
    { name: 'netlify/mail-background', file: 'netlify/functions/mail-background.ts' },
    { name: 'netlify/sweep', schedule: '@daily', timezone: 'UTC', file: 'netlify/functions/sweep.ts' },
  ]);
});

test('log messages of a dialect during the reading are printed as notes, and no log file is written', async (t) => {
  const site = await siteFolder(t);
  const talkative: Dialect = {
    ...fixedDialect({}),
    async read({ log }) {
      log.info('reading');
      log.warn('slow disk');
      log.error('full disk');
      return { routes: [route('/a')], ignored: [], problems: [] };
    },
  };

  t.regex((await run(site, { dialects: [talkative] })).text, /\n\nnotes\n {2}slow disk\n {2}full disk$/);
});

test('file names and messages cannot send control characters to the terminal or break a line', async (t) => {
  const site = await siteFolder(t);
  const problems = [{ severity: 'warning', file: 'a\x1b[2J\x9b.js', message: 'one\r\n  two\tthree\x7f' }] as const;
  const { text } = await run(site, { dialects: [fixedDialect({ problems })] });

  t.is(text.split('\n').at(-1), '  a\\x1b[2J\\x9b.js warning: one two\\x09three\\x7f');
});

test('a site that cannot be read is an error, not an empty table', async (t) => {
  const site = join(await siteFolder(t), 'none');

  await t.throwsAsync(run(site, {}), { instanceOf: SiteError, message: /none does not exist/ });
});

test('the files of a cloud-functions folder are listed with their paths', async (t) => {
  const handler = 'export function onRequestGet() { return new Response(); }';
  const site = await siteFolder(t, {
    'cloud-functions/index.js': handler,
    'cloud-functions/api/users/[id].js': handler,
    'cloud-functions/api/[[default]].js': 'export const onRequest = () => new Response();',
    'cloud-functions/api/_helper.js': 'export const help = 1;',
    'cloud-functions/broken.js': 'export function onRequest() {\n  return ];\n}\n',
  });
  const { code, text } = await run(site, {});

  t.is(code, 1);
  t.regex(text, /^ {2}\d {6}GET {6}\/api\/users\/:id {2}cloud-functions\/api\/users\/\[id\]\.js {3}edgeone$/m);
  t.regex(text, /^ {2}cloud-functions\/api\/_helper\.js {2}\S/m);
  t.regex(text, /^ {2}cloud-functions\/broken\.js:2:10 error: /m);
});

test('all static files of a folder are one entry, in the table and in the JSON', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`public/${index}.html`, '']));
  const site = await siteFolder(t, { ...files, 'public/index.html': '' });
  const dialects = [fixedDialect({ routes: [route('/7', { methods: ['GET', 'POST'] }), route('/x')] })];
  const { text } = await run(site, { dialects });
  const { routes: listed } = JSON.parse((await run(site, { dialects, json: true })).text);

  t.is(text.match(/public/g)?.length, 2);
  t.regex(text, /^ {2}1 {6}GET,HEAD {2}31 files {2}public\/ {2}static$/m);
  t.regex(text, /^ {2}7\.js warning: never answers GET \/7: the file public\/7\.html answers first; /m);
  t.deepEqual(listed[0], {
    methods: ['GET', 'HEAD'],
    pattern: '/*',
    file: 'public',
    files: 31,
    dialect: 'static',
    step: 3,
  });
  t.is(listed.length, 3);
});

for (const dev of ['0', '1']) {
  test(`static files of a folder with a base are listed below that base, with DEV=${dev}`, async (t) => {
    const site = await siteFolder(t, { 'out/a.txt': '' });
    const dialects = [fixedDialect({ fileFolders: [{ folder: 'out', base: '/shop' }] })];
    const { text } = await run(site, { dialects, json: true }, { DEV: dev });

    t.like(JSON.parse(text).routes, [{ pattern: '/shop/*', file: 'out', files: 1 }]);
  });
}

async function run(site: string, options: RoutesOptions, env = {}): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const code = await routes(readConfig({ site, env }), (line) => lines.push(line), options);
  return { code, text: lines.join('\n') };
}
