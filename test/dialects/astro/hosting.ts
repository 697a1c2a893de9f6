import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build } from '../../../src/cli/build.ts';
import { routes } from '../../../src/cli/routes.ts';
import { readConfig } from '../../../src/config/config.ts';
import type { Route } from '../../../src/contract/route.ts';
import { astro } from '../../../src/dialects/astro/astro.ts';
import { readStaticHeaders } from '../../../src/dialects/astro/hosted/static-headers.ts';
import { BUILDS, nameOf, renamedBuild, shopBuild } from '../../helpers/astro-builds.ts';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import { astroSite } from '../../helpers/astro-site.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { project } from '../../helpers/project.ts';

for (const major of [5, 7] as const) {
  test(`a build of Astro ${major} works in another folder, with other names of its folders`, async (t) => {
    const root = await astroSite(t, renamedBuild(major));
    await rename(join(root, 'dist'), join(root, 'site'));
    await mkdir(join(root, 'site/web/_hashed'));
    await writeFile(join(root, 'site/web/_hashed/a.js'), 'export {};');
    const edge = await startAstroEdge(t, { major, root, env: { ASTRO_ENTRY: 'site/code/start.mjs' } });

    t.is((await fetch(`${edge.url}/users/7`)).status, 200);
    t.is((await fetch(`${edge.url}/about`)).status, 200);
    const hashed = await fetch(`${edge.url}/_hashed/a.js`);
    t.regex(hashed.headers.get('cache-control') ?? '', /immutable/);
  });

  test(`only responses with a hashed file of Astro ${major} are immutable`, async (t) => {
    const root = await astroSite(t, { major });
    await mkdir(join(root, 'dist/client/_astro'));
    await writeFile(join(root, 'dist/client/_astro/a.js'), 'export {};');
    const edge = await startAstroEdge(t, { major, root });

    const refused = await fetch(`${edge.url}/_astro/a.js`, { headers: { 'if-match': '"another"' } });
    const missing = await fetch(`${edge.url}/_astro/b.js`);

    t.is(refused.status, 412);
    t.notRegex(refused.headers.get('cache-control') ?? '', /immutable/);
    t.is(await missing.text(), 'from the hop');
    t.is(missing.headers.get('cache-control'), null);
  });

  test(`no path leads to the dot files of Astro ${major}`, async (t) => {
    const edge = await startAstroEdge(t, { major });

    for (const path of ['/.env', '/.well-known/../.env', '/.well-known/%2e%2e/.env', '/.hidden/file.txt']) {
      t.regex(
        await edge.exchange(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
        /from the hop/,
        path,
      );
    }
  });

  test(`files of Astro ${major} answer only GET and HEAD`, async (t) => {
    const edge = await startAstroEdge(t, { major });

    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      t.is(await (await fetch(`${edge.url}/about`, { method })).text(), 'from the hop', method);
    }
  });
}

for (const setup of BUILDS) {
  test(`nexthop routes lists the on-demand routes of ${nameOf(setup)} in its order, and no prerendered page`, async (t) => {
    const lines: string[] = [];
    const config = readConfig({ site: await astroSite(t, setup), env: {} });

    t.is(await routes(config, (line) => lines.push(line)), 0);

    const listed = lines.filter((line) => / astro$/.test(line)).map((line) => line.split(/ {2,}/)[3] ?? line);
    t.deepEqual(
      listed.filter((path) => path.startsWith('/users') || path === '/' || path === '/old'),
      ['/old', '/users/:id', '/'],
    );
    t.notRegex(listed.join(' '), /about|blog/);
    t.notRegex(lines.join('\n'), /conflicts|problems/);
  });
}

test('nexthop build runs no code of a build of Astro', async (t) => {
  const lines: string[] = [];
  const site = await fakeBuild(t, { entry: 'globalThis.astroWasRun = true;' });

  t.is(await build(readConfig({ site, env: {} }), (line) => lines.push(line)), 0);

  t.false('astroWasRun' in globalThis);
});

test('locals of the host program become Astro.locals', async (t) => {
  const root = await astroSite(t, { major: 7 });
  const [route] = await pageRoutes(t, root);
  const server = await serveExchanges(t, async (exchange) => {
    exchange.locals = { title: 'from Express' };
    await route?.target.answer(exchange, {});
  });

  const answer = await server.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(answer, /"title":"from Express"/);
});

test('static headers that cannot be read are reported', async (t) => {
  const root = await astroSite(t, shopBuild(7));
  await writeFile(join(root, 'dist/_headers.json'), 'no list');
  const edge = await startAstroEdge(t, { ...shopBuild(7), root });

  t.like(edge.edge.site.problems[0], { severity: 'error', file: 'dist/server/entry.mjs' });
  t.regex(edge.edge.site.problems[0]?.message ?? '', /_headers\.json must be a list of paths/);
});

test('a page gets the headers of its own path, and not of a path that begins with it', async (t) => {
  const root = await fakeBuild(t, {
    files: {
      'dist/client/a/index.html': 'a',
      'dist/client/about/index.html': 'about',
      'dist/_headers.json': JSON.stringify([{ pathname: '/about', headers: [{ key: 'X-Page', value: 'about' }] }]),
    },
  });
  const edge = await startAstroEdge(t, { major: 7, root });

  t.is((await fetch(`${edge.url}/about`)).headers.get('x-page'), 'about');
  t.is((await fetch(`${edge.url}/a`)).headers.get('x-page'), null);
});

test('paths of static headers are decoded and have no slash at their end', async (t) => {
  const entries = ['/', '/a%20b/', '/c'].map((pathname) => ({ pathname, headers: [{ key: 'X-A', value: pathname }] }));
  const root = await fakeBuild(t, { files: { 'dist/_experimentalHeaders.json': JSON.stringify(entries) } });

  t.deepEqual(
    [...((await readStaticHeaders(join(root, 'dist/client'))) ?? [])],
    [
      ['/', [['X-A', '/']]],
      ['/a b', [['X-A', '/a%20b/']]],
      ['/c', [['X-A', '/c']]],
    ],
  );
});

test('a site behind a symbolic link works', async (t) => {
  const root = await astroSite(t, { major: 7 });
  const link = `${root}-link`;
  await symlink(root, link);
  t.teardown(() => rm(link));
  const edge = await startAstroEdge(t, { major: 7, root: link });

  t.is((await fetch(`${edge.url}/users/7`)).status, 200);
  t.is((await fetch(`${edge.url}/about`)).status, 200);
});

/** The routes that match `/`. */
async function pageRoutes(t: ExecutionContext, root: string): Promise<readonly Route[]> {
  const opened = await project(t, {});
  return (await astro.read({ ...opened, root })).routes.filter(({ pattern }) => pattern.text === '/');
}
