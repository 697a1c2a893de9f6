import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Dialect, FileFolder } from '../../src/contract/dialect.ts';
import type { Project } from '../../src/contract/project.ts';
import { SiteError } from '../../src/contract/project.ts';
import { createRouter } from '../../src/routing/router.ts';
import { openSite } from '../../src/site/site.ts';
import { serveExchanges } from '../helpers/exchange-server.ts';
import { fixedDialect } from '../helpers/fixed-dialect.ts';
import { NO_LIMITS } from '../helpers/project.ts';
import { route } from '../helpers/route.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { writeText } from '../helpers/write-text.ts';

test('the candidates of an exchange match its method and path, in the order of the routes', async (t) => {
  const routes = [route('/api/*rest'), route('/api/:id', { methods: ['GET'] }), route('/other')];
  const site = await openSite(await projectIn(t), [fixedDialect({ routes })]);
  const found: string[][] = [];
  const server = await serveExchanges(t, (exchange) => {
    found.push(site.candidates(exchange).map((candidate) => candidate.route.pattern.text));
    writeText(exchange, 200, '');
  });

  await server.exchange('GET /api/7?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await server.exchange('POST /api/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await server.exchange('GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(found, [['/api/:id', '/api/*rest'], ['/api/*rest'], []]);
});

test('routes of step 1 are filters and no candidates of an exchange', async (t) => {
  const routes = [route('/a'), route('/*all', { step: 1, file: 'one' }), route('/*all', { step: 1, file: 'two' })];
  const site = await openSite(await projectIn(t), [fixedDialect({ routes })]);
  const found: string[][] = [];
  const server = await serveExchanges(t, (exchange) => {
    found.push(site.candidates(exchange).map((candidate) => candidate.route.file));
    writeText(exchange, 200, '');
  });

  await server.exchange('GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(
    site.filters.map(({ file }) => file),
    ['one', 'two'],
  );
  t.deepEqual(found, [['a.js']]);
  t.deepEqual(site.conflicts, []);
});

test('the results of all dialects are merged, with the routes in the order in which they are tried, and conflicts as problems', async (t) => {
  const ignored = [{ file: 'a.test.js', reason: 'no handler' }];
  const problems = [{ severity: 'warning', file: 'b.js', message: 'odd' }] as const;
  const one = fixedDialect({ routes: [route('/:x', { file: 'one' })], ignored });
  const two = fixedDialect({ routes: [route('/a'), route('/:x', { file: 'two' })], problems });
  const site = await openSite(await projectIn(t), [one, two]);

  t.deepEqual(
    site.routes.map(({ file }) => file),
    ['a.js', 'one', 'two'],
  );
  t.deepEqual(site.ignored, ignored);
  t.deepEqual(site.problems, [
    ...problems,
    {
      severity: 'warning',
      file: 'two',
      message: 'never answers /:x: one answers first; remove one of the two, or give it another path',
    },
  ]);
});

test('every dialect gets the same project, and can answer with its files', async (t) => {
  const project = await projectIn(t);
  const seen: Project[] = [];
  const dialect: Dialect = {
    ...fixedDialect({}),
    read: async (given) => {
      seen.push(given);
      return { routes: [], ignored: [], problems: [] };
    },
  };

  await openSite(project, [dialect, dialect]);
  t.deepEqual(
    seen.map(({ files, siteRoutes, siteRequests, ...given }) => [given, typeof files?.answer]),
    [
      [project, 'function'],
      [project, 'function'],
    ],
  );
});

test('files are served from the folder that a dialect names, otherwise from the default one', async (t) => {
  const project = await projectIn(t);
  for (const folder of ['public', 'build']) {
    await mkdir(join(project.root, folder));
    await writeFile(join(project.root, folder, 'a.txt'), folder);
  }
  const filesWith = async (fileFolders?: readonly FileFolder[]) =>
    (await openSite(project, [fixedDialect({}), fixedDialect(fileFolders ? { fileFolders } : {})])).routes.map(
      ({ file }) => file,
    );

  t.deepEqual(await filesWith(), ['public/a.txt']);
  t.deepEqual(await filesWith([{ folder: 'build' }]), ['build/a.txt']);
  t.deepEqual(await filesWith([]), []);
});

test('a site that cannot be read is an error before any dialect reads it', async (t) => {
  const root = join(await siteFolder(t), 'none');
  const read = async () => t.fail() as never;

  await t.throwsAsync(openSite({ ...(await projectIn(t)), root }, [{ ...fixedDialect({}), read }]), {
    instanceOf: SiteError,
  });
});

test('an exception of a dialect is not caught', async (t) => {
  const bug = new TypeError('a bug');
  const dialect: Dialect = { ...fixedDialect({}), read: () => Promise.reject(bug) };

  t.is(await t.throwsAsync(openSite(await projectIn(t), [dialect])), bug);
});

async function projectIn(t: ExecutionContext): Promise<Project> {
  const root = await siteFolder(t);
  const log = { info() {}, warn() {}, error() {}, access() {}, reopen() {}, async close() {} };
  return {
    root,
    dataDir: join(root, '.nexthop'),
    log,
    region: '',
    env: {},
    createRouter,
    processEnv: process.env,
    functionLimits: NO_LIMITS,
  };
}
