import { access, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { type AstroEdge, type AstroEdgeSetup, startAstroEdge } from '../../helpers/astro-edge.ts';
import type { AstroSetup } from '../../helpers/astro-site.ts';
import { listenOnPort } from '../../helpers/listen.ts';

/**
 * Astro 5.0 and 6.0 with the adapters of that time. Their builds differ in form from those of the
 * latest versions.
 */
const BUILDS: readonly AstroSetup[] = (['5.0', '6.0'] as const).flatMap((major) =>
  (['middleware', 'standalone'] as const).map((mode) => ({ major, options: { mode } })),
);

for (const build of BUILDS) {
  const name = `a ${String(build.options?.mode)} build of Astro ${build.major}`;

  test(`${name} answers with its pages, endpoints, islands and files, and other requests are forwarded`, async (t) => {
    const edge = await startAstroEdge(t, build);

    t.deepEqual(edge.edge.site.problems, []);
    t.regex(await textOf(edge, '/users/7'), /User 7/);
    t.regex(await textOf(edge, '/about'), /Prerendered/);
    t.is(await textOf(edge, '/data/x.json'), '{"name":"x"}');
    t.is((await fetch(`${edge.url}/_server-islands/Island`)).status, 400);
    for (const path of ['/nothing', '/blog/none']) t.is(await textOf(edge, path), 'from the hop');
    t.is(await (await fetch(`${edge.url}/nothing`, { method: 'POST', body: 'a' })).text(), 'from the hop');
  });

  test(`${name} has its own host and scheme behind TLS, and accepts forms of its own site only`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const own = `https://127.0.0.1:${edge.port}`;

    t.regex(await textOf(edge, '/'), new RegExp(`"url":"${own}/","address":"198.51.100.7"`));
    t.is(await send(edge, own), 200);
    t.is(await send(edge, 'https://evil.example'), 403);
  });

  test(`${name} below a base redirects to the path with a slash with trailingSlash always`, async (t) => {
    const edge = await startAstroEdge(t, slashBuild(build));

    t.deepEqual(await redirectOf(edge, '/shop'), [301, '/shop/']);
    t.deepEqual(await redirectOf(edge, '/shop/users/a%20b?c=/d'), [301, '/shop/users/a%20b/?c=/d']);
    // nexthop redirects for a middleware build before Astro 5.2. The file server of a standalone
    // build sends 301 for every method.
    const [status, location] = await redirectOf(edge, '/shop/users/7', 'POST');
    t.is(location, '/shop/users/7/');
    if (build.options?.mode === 'middleware') t.is(status, 308);
    t.regex(await textOf(edge, '/shop/users/7/'), /User 7/);
    t.regex(await textOf(edge, '/shop/about/'), /Prerendered/);
    for (const path of ['/users/7/', '/shop/nothing', '/shopping', '/shop/v/1.2.3']) {
      t.is(await textOf(edge, path), 'from the hop', path);
    }
  });
}

for (const major of ['5.0', '6.0', 5, 7] as const) {
  test(`a standalone build of Astro ${major} renders a page without a look for a file of its path`, async (t) => {
    const edge = await startAstroEdge(t, { major, options: { mode: 'standalone' } });
    // The list of files is made at start; the build's own server of files would find it.
    await mkdir(join(edge.root, 'dist/client/users/8'), { recursive: true });
    await writeFile(join(edge.root, 'dist/client/users/8/index.html'), 'from a file');

    for (const path of ['/users/8', '/users/8?a=/b']) t.regex(await textOf(edge, path), /User 8/, path);
    // A path with escapes is left to the build, which decodes it in its own way.
    t.is(await textOf(edge, '/users/%38/'), 'from a file');
  });
}

for (const mode of ['middleware', 'standalone'] as const) {
  test(`error pages of a ${mode} build of Astro 5.0 are read from its files, whatever host the client names`, async (t) => {
    const requested: string[] = [];
    const other = createServer((request, response) => {
      requested.push(request.url ?? '');
      response.end('from another host');
    });
    const port = await listenOnPort(t, other);
    const edge = await startAstroEdge(t, { major: '5.0', options: { mode }, env: { ASTRO_OWNS_404: '1' } });

    for (const host of [`127.0.0.1:${port}`, '127.0.0.1:9']) {
      const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      t.regex(await edge.exchange(request('/nothing')), /^HTTP\/1\.1 404 [\s\S]*Astro knows no such page/);
      t.regex(await edge.exchange(request('/failing')), /^HTTP\/1\.1 500 [\s\S]*Astro failed/);
    }
    t.deepEqual(requested, []);
  });
}

test('a body for an action of Astro 5.0 is limited to 1 MiB, by its path or by the query of a form', async (t) => {
  const edge = await startAstroEdge(t, { major: '5.0' });
  const headers = { origin: edge.url, 'content-type': 'application/x-www-form-urlencoded' };
  const statusOf = async (path: string, bytes: number): Promise<number> => {
    const answer = await fetch(edge.url + path, { method: 'POST', headers, body: `name=${'x'.repeat(bytes - 5)}` });
    await answer.text();
    return answer.status;
  };

  for (const path of ['/form?_action=greet', '/form?a=b&_action=greet', '/_actions/greet']) {
    t.is(await statusOf(path, 1024 ** 2 + 1), 413, path);
    t.not(await statusOf(path, 1024 ** 2), 413, path);
  }
  t.is(await statusOf('/api/echo?x_action=greet', 1024 ** 2 + 1), 200);
});

test('a build of Astro 5.0 with other names of its folders finds its files', async (t) => {
  const edge = await startAstroEdge(t, slashBuild({ major: '5.0', options: { mode: 'middleware' } }));

  await access(join(edge.root, 'dist/web/about/index.html'));
  t.regex(await textOf(edge, '/shop/about/'), /Prerendered/);
});

/** A build below a base. That of Astro 5.0 in middleware mode has other names of its folders, too. */
function slashBuild(build: AstroSetup): AstroEdgeSetup {
  const config = { base: '/shop', trailingSlash: 'always' };
  if (build.major !== '5.0' || build.options?.mode !== 'middleware') return { ...build, config };
  const folders = { client: './web', server: './code' };
  return { ...build, config: { ...config, build: folders }, env: { ASTRO_ENTRY: 'dist/code/entry.mjs' } };
}

const PROXY = { 'x-forwarded-proto': 'https', 'true-client-ip': '198.51.100.7' };

async function textOf({ url }: AstroEdge, path: string): Promise<string> {
  return (await fetch(url + path, { headers: PROXY })).text();
}

async function send({ url }: AstroEdge, origin: string): Promise<number> {
  const headers = { ...PROXY, origin, 'content-type': 'application/x-www-form-urlencoded' };
  return (await fetch(`${url}/form`, { method: 'POST', headers, body: 'a=1' })).status;
}

async function redirectOf({ url }: AstroEdge, path: string, method = 'GET'): Promise<readonly [number, string | null]> {
  const headers = { origin: url };
  const answer = await fetch(url + path, { method, headers, redirect: 'manual' });
  return [answer.status, answer.headers.get('location')];
}
