import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fileBuild } from '../../helpers/astro-builds.ts';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import { astroSite } from '../../helpers/astro-site.ts';
import { startEdge } from '../../helpers/edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

for (const [how, handler] of [
  ['throws', `throw new Error('at once');`],
  ['rejects', `return Promise.reject(new Error('later'));`],
  ['passes an error to next', `next(new Error('to the next'));`],
  ['fails in @astrojs/node before 11', `response.writeHead(500, 'Server error'); response.end();`],
  ['fails in @astrojs/node 11', `response.statusCode = 500; response.end('Internal Server Error');`],
  ['destroys its response', `response.destroy();`],
] as const) {
  test(`a build that ${how} gets 500, with the site's own page if it has one`, async (t) => {
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

test('an error after the response is logged', async (t) => {
  const handler = `response.writeHead(200, {}); response.end('ok'); return new Promise((_, reject) => response.on('close', () => setImmediate(reject, new Error('behind'))));`;
  const edge = await startEdge(t, { site: await fakeBuild(t, { handler }) });

  t.is(await (await fetch(edge.url)).text(), 'ok');
  await edge.close();

  t.regex(JSON.stringify(await edge.errorLines()), /work after the response failed: behind/);
});

test("with DEV the error is sent instead of the site's 500 page", async (t) => {
  const files = { 'dist/client/500.html': '<h1>Our mistake</h1>' };
  const site = await fakeBuild(t, { handler: `throw new Error('at once');`, files });
  const edge = await startEdge(t, { site, env: { DEV: '1' } });

  t.regex(await (await fetch(edge.url)).text(), /at once/);
});

for (const major of [5, 7] as const) {
  const setup = fileBuild(major);

  test(`TRACE gets 405 and does not reach Astro ${major} with static headers, where it ends the process`, async (t) => {
    const edge = await startAstroEdge(t, { ...setup, env: { ASTRO_OWNS_404: '1' } });

    const answer = await edge.exchange('TRACE /shop/users/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

    t.regex(answer, /^HTTP\/1\.1 405 /);
    t.is((await fetch(`${edge.url}/shop/users/7`)).status, 200);
  });

  test(`a page of Astro ${major} that fails gets the site's own 500 page`, async (t) => {
    const edge = await startAstroEdge(t, setup);

    const response = await fetch(`${edge.url}/shop/failing`);

    t.is(response.status, 500);
    t.regex(await response.text(), /Astro failed/);
  });

  test(`a build of Astro ${major} without its packages names the missing one, and its pages get 500`, async (t) => {
    const root = await astroSite(t, setup);
    await rm(join(root, 'node_modules'));
    const edge = await startAstroEdge(t, { ...setup, root });

    const [problem] = edge.edge.site.problems;
    t.like(problem, { severity: 'error', file: 'dist/server/entry.mjs' });
    t.regex(problem?.message ?? '', /^needs the package [\w@/-]+, which is not installed\..*npm ci --omit=dev/);
    t.is((await fetch(`${edge.url}/shop/users/7`)).status, 500);
    t.is((await fetch(`${edge.url}/shop/about`)).status, 200);
    t.is(await (await fetch(`${edge.url}/shop/nothing`)).text(), 'from the hop');
  });
}

for (const [what, entry, message] of [
  ['exports something else', 'export const fetch = () => {};', /is not a build with @astrojs\/node.*it exports fetch/],
  ['throws while it loads', `throw new Error('no database');`, /throws while it loads: no database/],
  ['has a syntax error', 'export const = 1;', /throws while it loads: /],
] as const) {
  test(`a build that ${what} is reported, and its paths get 500`, async (t) => {
    const edge = await startEdge(t, { site: await fakeBuild(t, { entry }) });

    t.regex(edge.edge.site.problems[0]?.message ?? '', message);
    t.is((await fetch(edge.url)).status, 500);
  });
}

test('a build that never finishes loading does not block the rest of the site', async (t) => {
  t.timeout(2 * PATIENCE_MS);
  const edge = await startEdge(t, { site: await fakeBuild(t, { entry: 'await new Promise(() => {});' }) });

  t.regex(edge.edge.site.problems[0]?.message ?? '', /did not load within 10 s/);
  t.is((await fetch(`${edge.url}/users/7`)).status, 500);
  t.is((await fetch(`${edge.url}/robots.txt`)).status, 200);
});

test('an entry that Astro did not make is ignored, and a problem if ASTRO_ENTRY names it', async (t) => {
  const site = await siteFolder(t, { 'dist/server/entry.mjs': 'throw new Error();', 'dist/server/other.mjs': '' });

  const found = await startEdge(t, { site });
  const named = await startEdge(t, { site, env: { ASTRO_ENTRY: 'dist/server/other.mjs' } });
  const nowhere = await startEdge(t, { site, env: { ASTRO_ENTRY: 'build/entry.mjs' } });

  t.deepEqual(found.edge.site.problems, []);
  t.regex(found.edge.site.ignored[0]?.reason ?? '', /not made by Astro/);
  t.regex(named.edge.site.problems[0]?.message ?? '', /is not a build of Astro/);
  t.regex(nowhere.edge.site.problems[0]?.message ?? '', /does not exist/);
});
