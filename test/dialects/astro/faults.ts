import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import { type AstroSetup, astroSite } from '../../helpers/astro-site.ts';
import { startEdge } from '../../helpers/edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

for (const [how, handler] of [
  ['throws', `throw new Error('at once');`],
  ['rejects', `return Promise.reject(new Error('later'));`],
  ['hands an error on', `next(new Error('to the next'));`],
  ['says so by its adapter, before 11', `response.writeHead(500, 'Server error'); response.end();`],
  ['says so by its adapter', `response.statusCode = 500; response.end('Internal Server Error');`],
  ['destroys its response', `response.destroy();`],
] as const) {
  test(`a build that ${how} is a 500, with the site's own page if it has one`, async (t) => {
    const plain = await startEdge(t, { site: await fakeBuild(t, { handler }) });
    const files = { 'dist/client/500.html': '<h1>Our mistake</h1>' };
    const own = await startEdge(t, { site: await fakeBuild(t, { handler, files }) });

    const ours = await fetch(plain.url);
    const theirs = await fetch(own.url);

    t.is(ours.status, 500);
    t.regex(await ours.text(), /function_error/);
    t.is(theirs.status, 500);
    t.is(theirs.headers.get('content-type'), 'text/html; charset=utf-8');
    t.is(await theirs.text(), '<h1>Our mistake</h1>');
    t.like((await own.accessLines(1))[0], { fault: 'function_error', status: '500' });
  });
}

test('what goes wrong behind the answer is told in the log', async (t) => {
  const handler = `response.writeHead(200, {}); response.end('ok'); return new Promise((_, reject) => response.on('close', () => setImmediate(reject, new Error('behind'))));`;
  const edge = await startEdge(t, { site: await fakeBuild(t, { handler }) });

  t.is(await (await fetch(edge.url)).text(), 'ok');
  await edge.close();

  t.regex(JSON.stringify(await edge.errorLines()), /"message":"behind".*work after the response failed/);
});

test('a developer is told what went wrong, in the place of the page for visitors', async (t) => {
  const files = { 'dist/client/500.html': '<h1>Our mistake</h1>' };
  const site = await fakeBuild(t, { handler: `throw new Error('at once');`, files });
  const edge = await startEdge(t, { site, env: { DEV: '1' } });

  t.regex(await (await fetch(edge.url)).text(), /at once/);
});

for (const setup of [
  { major: 5, options: { mode: 'standalone', experimentalStaticHeaders: true }, csp: true },
  { major: 7, options: { mode: 'standalone', staticHeaders: true }, csp: true },
] satisfies AstroSetup[]) {
  test(`TRACE, which ends the process of Astro ${setup.major} with static headers, never reaches it`, async (t) => {
    const edge = await startAstroEdge(t, { ...setup, env: { ASTRO_OWNS_404: '1' } });

    const answer = await edge.exchange('TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(answer, /^HTTP\/1\.1 405 /);
    t.is((await fetch(edge.url)).status, 200);
  });

  test(`a page of Astro ${setup.major} that fails gets the site's own page for errors`, async (t) => {
    const edge = await startAstroEdge(t, setup);

    const response = await fetch(`${edge.url}/failing`);

    t.is(response.status, 500);
    t.regex(await response.text(), /Astro failed/);
  });

  test(`without its packages a build of Astro ${setup.major} says which one is missing, and its pages are 500`, async (t) => {
    const root = await astroSite(t, setup);
    await rm(join(root, 'node_modules'));
    const edge = await startAstroEdge(t, { ...setup, root });

    const [problem] = edge.edge.site.problems;
    t.like(problem, { severity: 'error', file: 'dist/server/entry.mjs' });
    t.regex(problem?.message ?? '', /^needs the package [\w@/-]+, which is not installed\..*npm ci --omit=dev/);
    t.is((await fetch(`${edge.url}/users/7`)).status, 500);
    t.is((await fetch(`${edge.url}/about`)).status, 200);
    t.is(await (await fetch(`${edge.url}/nothing`)).text(), 'from the hop');
  });
}

for (const [what, entry, message] of [
  ['exports something else', 'export const fetch = () => {};', /is not a build with @astrojs\/node.*it exports fetch/],
  ['throws while it loads', `throw new Error('no database');`, /throws while it loads: no database/],
  ['is no module', 'export const = 1;', /throws while it loads: /],
] as const) {
  test(`a build that ${what} is told of, and its paths are nobody else's`, async (t) => {
    const edge = await startEdge(t, { site: await fakeBuild(t, { entry }) });

    t.regex(edge.edge.site.problems[0]?.message ?? '', message);
    t.is((await fetch(edge.url)).status, 500);
  });
}

test('a build that never finishes to load keeps nothing else away', async (t) => {
  t.timeout(30_000);
  const edge = await startEdge(t, { site: await fakeBuild(t, { entry: 'await new Promise(() => {});' }) });

  t.regex(edge.edge.site.problems[0]?.message ?? '', /did not load within 10 s/);
  t.is((await fetch(`${edge.url}/users/7`)).status, 500);
  t.is((await fetch(`${edge.url}/robots.txt`)).status, 200);
});

test('a server of something else than Astro is left alone, unless ASTRO_ENTRY names it', async (t) => {
  const site = await siteFolder(t, { 'dist/server/entry.mjs': 'throw new Error();', 'dist/server/other.mjs': '' });

  const found = await startEdge(t, { site });
  const named = await startEdge(t, { site, env: { ASTRO_ENTRY: 'dist/server/other.mjs' } });
  const nowhere = await startEdge(t, { site, env: { ASTRO_ENTRY: 'build/entry.mjs' } });

  t.deepEqual(found.edge.site.problems, []);
  t.regex(found.edge.site.ignored[0]?.reason ?? '', /not made by Astro/);
  t.regex(named.edge.site.problems[0]?.message ?? '', /is not a build of Astro/);
  t.regex(nowhere.edge.site.problems[0]?.message ?? '', /does not exist/);
});
