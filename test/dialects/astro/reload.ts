import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import { astroSite } from '../../helpers/astro-site.ts';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';

/** Counts its responses, and imports a page at its first request, as Astro does. */
const COUNTING = `
let count = 0;
export const options = { mode: 'middleware' };
export async function handler(request, response) {
  const { text } = await import('./pages/index.astro.mjs');
  response.writeHead(200, {});
  response.end(text + ' ' + ++count);
}`;
const PAGE = 'dist/server/pages/index.astro.mjs';

test('a reload of the same build keeps its state in memory', async (t) => {
  const site = await fakeBuild(t, { entry: COUNTING, files: { [PAGE]: `export const text = 'old';` } });
  const edge = await startEdge(t, { site });

  t.is(await textOf(edge), 'old 1');
  t.is((await edge.edge.reload()).state, 'exchanged');

  t.is(await textOf(edge), 'old 2');
});

test('a reload of a changed build uses all of its new code, also if only one page changed', async (t) => {
  const site = await fakeBuild(t, { entry: COUNTING, files: { [PAGE]: `export const text = 'old';` } });
  const edge = await startEdge(t, { site });
  await textOf(edge);

  await writeFile(join(site, PAGE), `export const text = 'new';`);
  await edge.edge.reload();

  t.is(await textOf(edge), 'new 1');
});

test('two edges of one process with different builds share no code', async (t) => {
  const one = await startEdge(t, {
    site: await fakeBuild(t, { entry: COUNTING, files: { [PAGE]: `export const text = 'one';` } }),
  });
  const two = await startEdge(t, {
    site: await fakeBuild(t, { entry: COUNTING, files: { [PAGE]: `export const text = 'two';` } }),
  });

  t.is(await textOf(one), 'one 1');
  t.is(await textOf(two), 'two 1');
});

/** Fetches its error page as Astro does before version 6. */
const FETCHING = `
export const options = { mode: 'middleware' };
export async function handler(request, response) {
  const statusURL = new URL('/404.html', 'http://127.0.0.1:9');
  const page = await fetch(statusURL.toString());
  response.writeHead(404, {});
  response.end(await page.text());
}`;

test('two edges of one process with the same build code have the error pages of their own folders', async (t) => {
  const start = async (page: string): Promise<RunningEdge> =>
    startEdge(t, { site: await fakeBuild(t, { entry: FETCHING, files: { 'dist/client/404.html': page } }) });
  const one = await start('page of one');
  const two = await start('page of two');

  t.is(await textOf(one), 'page of one');
  t.is(await textOf(two), 'page of two');
});

test('a build without its packages works after they are installed and the site is reloaded', async (t) => {
  const root = await astroSite(t, { major: 7 });
  const packages = join(root, 'node_modules');
  await rename(packages, join(root, 'elsewhere'));
  const edge = await startAstroEdge(t, { major: 7, root });
  t.is((await fetch(`${edge.url}/users/7`)).status, 500);

  await rename(join(root, 'elsewhere'), packages);
  t.is((await edge.edge.reload()).state, 'exchanged');

  t.is((await fetch(`${edge.url}/users/7`)).status, 200);
});

test('a reload imports the same build again if it failed to load', async (t) => {
  const ready = `nexthop-test-${process.pid}-ready`;
  const entry = `
if (!globalThis['${ready}']) throw new Error('no database');
export const options = { mode: 'middleware' };
export const handler = (request, response) => { response.writeHead(200, {}); response.end('ready'); };`;
  const edge = await startEdge(t, { site: await fakeBuild(t, { entry }) });
  t.is((await fetch(edge.url)).status, 500);

  Object.assign(globalThis, { [ready]: true });
  t.is((await edge.edge.reload()).state, 'exchanged');

  t.is(await textOf(edge), 'ready');
});

test('a reload after a symbolic link changed uses the other build', async (t) => {
  const [old, next] = [await astroSite(t, { major: 5 }), await astroSite(t, { major: 7 })];
  const current = `${old}-current`;
  await symlink(old, current);
  t.teardown(() => rm(current, { force: true }));
  const edge = await startAstroEdge(t, { major: 5, root: current });
  t.is((await fetch(`${edge.url}/users/7`)).status, 200);

  await rm(current);
  await symlink(next, current);
  t.is((await edge.edge.reload()).state, 'exchanged');

  t.is((await fetch(`${edge.url}/users/7`)).status, 200);
});

async function textOf({ url }: RunningEdge): Promise<string> {
  return (await fetch(url)).text();
}
