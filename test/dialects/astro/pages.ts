import test from 'ava';
import { BUILDS, fileBuild, nameOf, shopBuild } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';

const HOP = /^from the hop$/;

for (const build of BUILDS) {
  test(`${nameOf(build)} answers with its pages, files and redirects, and other paths are forwarded`, async (t) => {
    const edge = await startAstroEdge(t, build);

    t.regex(await textOf(edge, '/'), /On demand/);
    t.regex(await textOf(edge, '/users/7'), /User 7/);
    t.regex(await textOf(edge, '/users/7/?a=b'), /User 7/);
    t.regex(await textOf(edge, '/about'), /Prerendered/);
    t.regex(await textOf(edge, '/about/'), /Prerendered/);
    t.regex(await textOf(edge, '/blog/first'), /Post first/);
    t.regex(await textOf(edge, '/.well-known/known.json'), /ok/);
    t.is(await locationOf(edge, '/old'), '301 /about');
    for (const path of ['/nothing', '/users', '/users/7/8', '/blog/third', '/404', '/.env', '/.hidden/file.txt']) {
      t.regex(await textOf(edge, path), HOP, path);
    }
    t.deepEqual(edge.edge.site.problems, []);
  });

  test(`${nameOf(build)} runs its middleware, actions and server islands`, async (t) => {
    const edge = await startAstroEdge(t, build);

    const page = await fetch(edge.url);
    const action = await fetch(`${edge.url}/_actions/greet`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: edge.url },
      body: '{"name":"Ada"}',
    });
    const [, island = ''] = /fetch\(['"](\/_server-islands\/[^'"]+)['"]/.exec(await textOf(edge, '/islands')) ?? [];

    t.is(page.headers.get('x-middleware'), 'on-demand');
    t.deepEqual(page.headers.getSetCookie(), ['a=1', 'b=2']);
    t.regex(await action.text(), /Hello, Ada/);
    t.regex(await textOf(edge, island), /island for Ada/);
  });
}

for (const major of [5, 7] as const) {
  test(`a site of Astro ${major} below a base, with trailingSlash always, redirects to paths with a slash, in every language`, async (t) => {
    const edge = await startAstroEdge(t, shopBuild(major));

    t.regex(await textOf(edge, '/shop/'), /On demand/);
    t.regex(await textOf(edge, '/shop/about/'), /Prerendered/);
    t.regex(await textOf(edge, '/shop/de/about/'), /Prerendered/);
    t.regex(await textOf(edge, '/shop/de/users/7/'), /User 7/);
    t.regex(await textOf(edge, '/shop/robots.txt'), /User-agent/);
    t.is(await locationOf(edge, '/shop'), '301 /shop/');
    t.is(await locationOf(edge, '/shop/about?a=b'), '301 /shop/about/?a=b');
    t.is(await locationOf(edge, '/shop/users/7'), '301 /shop/users/7/');
    t.is(await locationOf(edge, '/shop/api/echo', 'POST'), '308 /shop/api/echo/');
    for (const path of ['/', '/users/7/', '/about/', '/shopping', '/shop/nothing', '/shop/nothing/', '/shop/404/']) {
      t.regex(await textOf(edge, path), HOP, path);
    }
  });

  test(`prerendered pages of Astro ${major} have the headers of their exact path, also in a moved build`, async (t) => {
    const edge = await startAstroEdge(t, shopBuild(major));

    for (const path of ['/shop/about/', '/shop/blog/first/', '/shop/de/about/', '/shop/404.html']) {
      const { headers } = await fetch(edge.url + path);
      t.regex(headers.get('content-security-policy') ?? '', /^script-src 'self'/, path);
    }
    t.is((await fetch(`${edge.url}/shop/robots.txt`)).headers.get('content-security-policy'), null);
  });

  test(`a site of Astro ${major} with a file for each page and trailingSlash never redirects to paths without a slash`, async (t) => {
    const edge = await startAstroEdge(t, fileBuild(major));

    t.regex(await textOf(edge, '/shop/about'), /Prerendered/);
    t.regex(await textOf(edge, '/shop/blog/first'), /Post first/);
    t.regex(await textOf(edge, '/shop/users/7'), /User 7/);
    t.is(await locationOf(edge, '/shop/about/'), '301 /shop/about');
    t.is(await locationOf(edge, '/shop/users/7/'), '301 /shop/users/7');
    for (const path of ['/about', '/users/7', '/shop/nothing', '/shop/blog/third']) {
      t.regex(await textOf(edge, path), HOP, path);
    }
  });
}

async function textOf({ url }: AstroEdge, path: string): Promise<string> {
  return (await fetch(url + path)).text();
}

async function locationOf({ url }: AstroEdge, path: string, method = 'GET'): Promise<string> {
  const { status, headers } = await fetch(url + path, { method, redirect: 'manual' });
  return `${status} ${headers.get('location')}`;
}
