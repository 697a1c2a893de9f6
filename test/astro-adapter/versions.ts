import test, { type ExecutionContext } from 'ava';
import { ownBuildWithSlashes } from '../helpers/astro-builds.ts';
import { sharedEntry, startEntry } from '../helpers/astro-entry.ts';
import { type AstroSetup, astroSite } from '../helpers/astro-site.ts';
import { connectTo } from '../helpers/peer.ts';

const MIB = 1024 ** 2;

const OURS = { adapter: 'nexthop/astro', options: { mode: 'standalone' } } as const;

/** One process of each version for all tests of a site without a base. */
const SERVE = {
  '5.0': sharedEntry({ major: '5.0', ...OURS }),
  '6.0': sharedEntry({ major: '6.0', ...OURS }),
  5: sharedEntry({ major: 5, ...OURS }),
  7: sharedEntry({ major: 7, ...OURS }),
};

for (const major of ['5.0', '6.0'] as const) {
  test(`Astro ${major}: pages, prerendered pages, endpoints, islands, actions and redirects answer`, async (t) => {
    const { url } = await SERVE[major](t);

    t.regex(await textOf(`${url}/users/a%20b`), /User a b/);
    t.regex(await textOf(`${url}/about`), /Prerendered/);
    t.is(await textOf(`${url}/data/x.json`), '{"name":"x"}');
    t.is((await fetch(`${url}/_server-islands/Island`)).status, 400);
    t.is(await act(url, '{"name":"Ada"}'), 200);
    t.is((await fetch(`${url}/old`, { redirect: 'manual' })).headers.get('location'), '/about');
  });
}

for (const major of ['5.0', 5, 7] as const) {
  test(`Astro ${major}: error pages are read from the build, whatever host the client names`, async (t) => {
    const { port } = await SERVE[major](t);

    t.regex(await answerTo(t, port, '/nothing', '127.0.0.1:9'), /^HTTP\/1\.1 404 [\s\S]*Astro knows no such page/);
    t.regex(await answerTo(t, port, '/failing', '127.0.0.1:9'), /^HTTP\/1\.1 500 [\s\S]*Astro failed/);
  });

  test(`Astro ${major}: a path with malformed escapes gets 400`, async (t) => {
    const { port } = await SERVE[major](t);

    for (const path of ['/blog/%zz', '/users/%zz', '/users/%80', '/nothing/%']) {
      t.regex(await answerTo(t, port, path), /^HTTP\/1\.1 400 [\s\S]*bad_path/, path);
    }
  });

  test(`Astro ${major}: a body for an action or an island is limited to 1 MiB, also under an encoded path`, async (t) => {
    const { url } = await SERVE[major](t);
    const large = JSON.stringify({ name: 'x'.repeat(MIB) });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };

    t.is(await act(url, large), 413);
    t.is(await act(url, new Blob([large]).stream()), 413);
    t.is(await act(url, large, '/%5Factions/greet'), 413);
    t.is(await act(url, large, '/_server-islands/Island'), 413);
    t.is(await act(url, large, '/%5Fserver-islands/Island'), 413);
    t.is(await act(url, `name=${'x'.repeat(MIB)}`, '/form?_action=greet', form), 413);
    t.is(await act(url, large, '/api/echo'), 200);
  });

  test(`Astro ${major}: with trailingSlash always paths of pages redirect to a slash, and those of files do not`, async (t) => {
    const config = { base: '/shop', trailingSlash: 'always' };
    const setup: AstroSetup = major === '5.0' ? { major, ...OURS, config } : ownBuildWithSlashes(major);
    const { url } = await startEntry(t, await astroSite(t, setup));
    const statusOf = async (path: string, method = 'GET'): Promise<string> => {
      const { status, headers } = await fetch(url + path, { method, redirect: 'manual', headers: { origin: url } });
      return `${status} ${headers.get('location') ?? ''}`.trim();
    };

    t.is(await statusOf('/shop'), '301 /shop/');
    t.is(await statusOf('/shop/users/a%20b?c=/d'), '301 /shop/users/a%20b/?c=/d');
    t.is(await statusOf('/shop/users/7', 'POST'), '308 /shop/users/7/');
    t.is(await statusOf('/shop/v/1.2.3/'), '200');
    t.is(await statusOf('/shop/v/1.2.3'), '404');
    t.is(await statusOf('/shop/v/1.2.3-beta'), '301 /shop/v/1.2.3-beta/');
    // Since Astro 6 endpoints with an extension have no slash, even with trailingSlash always.
    const [right, wrong] = major === 7 ? ['x.json', 'x.json/'] : ['x.json/', 'x.json'];
    t.is(await statusOf(`/shop/data/${right}`), '200');
    t.is(await statusOf(`/shop/data/${wrong}`), '404');
  });
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

async function act(
  url: string,
  body: string | ReadableStream,
  path = '/_actions/greet',
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
): Promise<number> {
  const init = { method: 'POST', headers: { origin: url, ...headers }, body, duplex: 'half' } as RequestInit; // the types of Node lack it
  const answer = await fetch(url + path, init);
  await answer.text();
  return answer.status;
}

async function answerTo(t: ExecutionContext, port: number, path: string, host = 'a'): Promise<string> {
  const peer = await connectTo(t, port);
  peer.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return peer.readToEnd();
}
