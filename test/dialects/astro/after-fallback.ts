import { createServer } from 'node:http';
import test from 'ava';
import { createMiddleware } from '../../../src/index.ts';
import { NO_404, nameOf, ownBuildWithSlashes } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import { type AstroSetup, astroSite } from '../../helpers/astro-site.ts';
import { listenOnPort } from '../../helpers/listen.ts';

const SITE = { files: NO_404, config: { trailingSlash: 'always' } } as const;
const BUILDS: readonly AstroSetup[] = [
  { major: 5, ...SITE, options: { mode: 'standalone' } },
  { major: 7, ...SITE, options: { mode: 'middleware' } },
  ownBuildWithSlashes(5),
  ownBuildWithSlashes(7),
];

for (const build of BUILDS) {
  const name = `${nameOf(build)}${build.adapter ? ' by nexthop/astro' : ''}`;
  const base = build.config?.base ?? '';

  test(`the middleware of ${name} answers a path without a route if the hop answers 404`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, hopStatus: 404 });

    t.is(await answerOf(edge, `${base}/by-middleware/`), '200 by the middleware, GET');
    t.is(await answerOf(edge, `${base}/by-middleware/`, 'HEAD'), '200 ');
    t.deepEqual(
      edge.forwarded.map(({ method, url }) => `${method} ${url}`),
      [`GET ${base}/by-middleware/`, `HEAD ${base}/by-middleware/`],
    );
    const lines = await edge.accessLines(2);
    t.deepEqual(
      lines.map(({ target }) => target),
      ['dist/server/entry.mjs', 'dist/server/entry.mjs'],
    );
  });

  test(`the hop answers before the middleware of ${name}, and alone for other methods`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const empty = await startAstroEdge(t, { ...build, hopStatus: 404 });

    t.is(await answerOf(edge, `${base}/by-middleware/`), '200 from the hop');
    t.is(await answerOf(empty, `${base}/by-middleware/`, 'POST', 'body'), '404 from the hop');
    t.is(empty.forwarded.length, 1);
  });

  test(`a path that the middleware of ${name} does not answer gets the 404 of the hop, with or without a slash`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, hopStatus: 404 });

    for (const path of ['/nothing', '/nothing/', '/nothing//', '/blog/none/']) {
      t.is(await answerOf(edge, base + path), '404 from the hop', path);
    }
  });
}

test('src/fetch.ts of Astro 7 answers a path without a route if the hop answers 404, also with a 404 page', async (t) => {
  const fetchFile = `import { astro, FetchState } from 'astro/fetch';
export default {
  fetch: (request: Request) =>
    new URL(request.url).pathname === '/by-fetch' ? new Response('by fetch.ts') : astro(new FetchState(request)),
};`;
  const edge = await startAstroEdge(t, { major: 7, files: { 'src/fetch.ts': fetchFile }, hopStatus: 404 });

  t.is(await answerOf(edge, '/by-fetch'), '200 by fetch.ts');
  t.is(await answerOf(edge, '/nothing'), '404 from the hop');
});

for (const files of [{}, { ...NO_404, 'src/middleware.ts': null }]) {
  const why = 'src/middleware.ts' in files ? 'no middleware' : 'a prerendered 404 page';
  test(`a build with ${why} does not run after the hop answers 404`, async (t) => {
    const edge = await startAstroEdge(t, { major: 7, files, hopStatus: 404 });

    t.is(await answerOf(edge, '/by-middleware'), '404 from the hop');
    t.is(edge.forwarded.length, 1);
  });
}

test("in another server a path that only middleware answers goes to the server's next", async (t) => {
  const site = await astroSite(t, { major: 7, ...SITE });
  const nexthop = await createMiddleware({ site, settings: { DATA_DIR: site } });
  t.teardown(() => nexthop.close());
  const server = createServer((request, response) => nexthop(request, response, () => response.end('of the host')));
  const port = await listenOnPort(t, server);

  t.is(await (await fetch(`http://127.0.0.1:${port}/by-middleware/`)).text(), 'of the host');
  t.regex(await (await fetch(`http://127.0.0.1:${port}/users/7/`)).text(), /User 7/);
});

async function answerOf({ url }: AstroEdge, path: string, method = 'GET', body?: string): Promise<string> {
  const headers = { origin: url };
  const answer = await fetch(url + path, { method, headers, redirect: 'manual', ...(body && { body }) });
  return `${answer.status} ${await answer.text()}`;
}
