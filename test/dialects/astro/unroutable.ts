import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { BUILDS, fileBuild, nameOf } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import { type AstroSetup, astroSite } from '../../helpers/astro-site.ts';

const OURS: readonly AstroSetup[] = ([5, 7] as const).map((major) => ({
  major,
  adapter: 'nexthop/astro',
  options: { mode: 'standalone' },
}));
const OWNS = { ASTRO_OWNS_404: '1' };

for (const build of [...BUILDS, ...OURS]) {
  const name = `${nameOf(build)}${build.adapter ? ' by nexthop/astro' : ''}`;

  test(`with ASTRO_OWNS_404 ${name} answers paths that match no route, and none is forwarded`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: OWNS });

    for (const [path, expected] of [
      ['/users/a%2Fb', /^200 .*User a%2Fb/],
      ['/users/a%5Cb', /^200 .*User a\\b/],
      ['/users\\7', /^200 .*User 7/],
      ['/users/a%00b', /^200 .*User a\0b/],
      ['/x/../users/7', /^200 .*User 7/],
      ['/%2e%2e/users/7', /^200 .*User 7/],
      ['/x/..%2Fusers/7', /^404 .*Astro knows no such page/],
      ['/no%5Cthing', /^404 .*Astro knows no such page/],
      ['/blog/no%5Cthing', /^404 .*Astro knows no such page/],
      ['//', /^301 /],
      ['/users/%zz', /^400 .*bad_path/],
      ['/nothing/%80', /^400 .*bad_path/],
      ['/%', /^400 .*bad_path/],
    ] as const) {
      t.regex(await answerOf(edge, path), expected, path);
    }
    t.regex(await answerOf(edge, '/users/a%5Cb', 'POST'), /^200 .*User a\\b/);
    t.regex(await answerOf(edge, '/no%5Cthing', 'POST'), /^404 /);
    t.regex(await answerOf(edge, '/users/a%5Cb', 'TRACE'), /^405 /);
    t.deepEqual(edge.forwarded, []);
  });

  test(`with ASTRO_OWNS_404 no path leads to a hidden file of ${name} or out of its folder`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: OWNS });

    for (const folder of ['/a', '/.well-known', '/_astro']) {
      for (const up of ['/..', '/%2e%2e', '/.%2E', '/..%2F', '/..%5C', '\\..', '%2F..', '%5C..', '/%2E%2E%2F']) {
        for (const file of ['/.env', '.env', '/server/entry.mjs', '/../package.json', '/.hidden/file.txt']) {
          const path = folder + up + file;
          t.regex(await answerOf(edge, path), /^404 .*Astro knows no such page/, path);
        }
      }
    }
    t.deepEqual(edge.forwarded, []);
  });
}

for (const major of [5, 7] as const) {
  test(`Astro ${major} answers paths that match no route if their raw or decoded form is below its base`, async (t) => {
    const edge = await startAstroEdge(t, { ...fileBuild(major), env: OWNS });

    t.regex(await answerOf(edge, '/shop/users/a%5Cb'), /^200 .*User a\\b/);
    t.regex(await answerOf(edge, '/x/../shop/users/7'), /^200 .*User 7/);
    t.regex(await answerOf(edge, '/shop/../users/7'), /^404 .*Astro knows no such page/);
    t.regex(await answerOf(edge, '/shop/%zz'), /^400 /);
    t.deepEqual(edge.forwarded, []);
    for (const path of ['/other/a%5Cb', '/shopping/a%5Cb', '/users/%zz']) {
      t.regex(await answerOf(edge, path), /from the hop/, path);
    }
  });
}

test('the body limit of islands also applies to paths that match no route', async (t) => {
  const edge = await startAstroEdge(t, { major: 5, env: OWNS });

  t.regex(await answerOf(edge, '/x/../_server-islands/Island', 'POST', 'x'.repeat(1024 ** 2 + 1)), /^413 /);
  t.regex(await answerOf(edge, '/_server-islands/a%5Cb', 'POST', 'x'.repeat(1024 ** 2 + 1)), /^413 /);
});

test("the site's middleware.js also guards pages under paths that match no route", async (t) => {
  const root = await astroSite(t, { major: 7 });
  const middleware = `export const middleware = () => new Response('guarded', { status: 403 });
export const config = { matcher: '/users/:path*' };`;
  await mkdir(join(root, 'cloud-functions'));
  await writeFile(join(root, 'middleware.js'), middleware);
  const edge = await startAstroEdge(t, { major: 7, root, env: OWNS });

  for (const path of ['/users/7', '/x/../users/7', '/users\\7', '/users/a%5Cb', '/x/%2e%2e/users/7']) {
    t.is(await answerOf(edge, path), '403 guarded', path);
  }
});

test('without ASTRO_OWNS_404 paths that match no route are forwarded as they were received', async (t) => {
  const edge = await startAstroEdge(t, { major: 7 });
  const paths = ['/users/a%5Cb', '/x/../users/7', '/users/%zz', '/users/%00'];

  for (const path of paths) t.regex(await answerOf(edge, path), /from the hop/, path);
  t.deepEqual(
    edge.forwarded.map(({ url }) => url),
    paths,
  );
});

/** Sends a raw request, since `fetch` resolves dot segments. */
async function answerOf(edge: AstroEdge, path: string, method = 'GET', body = ''): Promise<string> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n`;
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  const answer = await edge.exchange(`${head}${length}Connection: close\r\n\r\n${body}`);
  const [first = '', ...rest] = answer.split('\r\n\r\n');
  const [, status = ''] = first.split(' ', 2);
  return `${status} ${rest.join('').replaceAll(/\s+/g, ' ')}`;
}
