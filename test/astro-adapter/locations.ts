import { mkdir, mkdtemp, rename, rm, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  ownBuildWithOptions,
  ownBuildWithoutExtras,
  ownBuildWithPolicy,
  ownBuildWithSlashes,
} from '../helpers/astro-builds.ts';
import { runEntry, startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { untilResult } from '../helpers/until-result.ts';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Moves a build to another folder, whose `node_modules` contains only nexthop. */
async function moved(t: ExecutionContext, built: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'nexthop-moved-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await rename(join(built, 'dist'), join(root, 'dist'));
  await mkdir(join(root, 'node_modules'));
  await symlink(REPOSITORY, join(root, 'node_modules/nexthop'));
  return root;
}

for (const major of [5, 7] as const) {
  test(`Astro ${major}: a moved build answers all its paths, and needs no package except nexthop`, async (t) => {
    const built = await astroSite(t, { major, adapter: 'nexthop/astro', options: { mode: 'standalone' } });
    const { url } = await startEntry(t, await moved(t, built));

    const paths = ['/', '/about', '/users/1', '/large.txt', '/islands', '/form', '/api/secret'];
    for (const path of paths) t.is((await fetch(url + path)).status, 200, path);
    // Until the store of the sessions is open, which a busy machine does not finish in the second
    // that a page waits.
    await untilResult(
      async () => (await fetch(`${url}/counter`)).status,
      (status) => status === 200,
    );
    t.regex(await (await fetch(`${url}/nothing`)).text(), /Astro knows no such page/);
  });

  test(`Astro ${major}: with static headers the policy of a prerendered page is a header, also in a moved build`, async (t) => {
    const { url } = await startEntry(t, await moved(t, await astroSite(t, ownBuildWithPolicy(major))));
    const policy = async (path: string) => {
      const answer = await fetch(url + path);
      const text = await answer.text();
      return [
        answer.status,
        /script-src/.test(answer.headers.get('content-security-policy') ?? ''),
        /<meta/.test(text),
      ];
    };

    t.deepEqual(await policy('/shop/about'), [200, true, false]);
    t.deepEqual(await policy('/shop/about/'), [200, true, false]);
    t.deepEqual(await policy('/shop/blog/second/'), [200, true, false]);
    t.deepEqual(await policy('/shop/users/1'), [200, true, false]);
    t.deepEqual(await policy('/shop/nothing'), [404, true, false]);
    t.deepEqual(await policy('/shop/robots.txt'), [200, false, false]);
  });

  test(`Astro ${major}: without static headers the policy is a meta element of the page`, async (t) => {
    const { url } = await startEntry(t, await astroSite(t, ownBuildWithoutExtras(major)));

    const answer = await fetch(`${url}/about`);

    t.is(answer.headers.get('content-security-policy'), null);
    t.regex(await answer.text(), /<meta http-equiv="content-security-policy"/i);
  });

  test(`Astro ${major}: a site with a base answers 404 outside of it`, async (t) => {
    const { url } = await startEntry(t, await astroSite(t, ownBuildWithSlashes(major)));
    const get = async (path: string) => {
      const answer = await fetch(url + path, { redirect: 'manual' });
      return answer.headers.get('location') ?? answer.status;
    };

    t.is(await get('/shop/users/1/'), 200);
    t.is(await get('/shop/users/1?x=1'), '/shop/users/1/?x=1');
    t.is(await get('/shop/about/'), 200);
    t.is(await get('/shop/about?x=1'), '/shop/about/?x=1');
    t.is(await get('/shop/robots.txt'), 200);
    t.is(await get('/robots.txt'), 404);
    t.is(await get('/users/1/'), 404);
    t.is(await get('/shopping/users/1/'), 404);
  });

  test(`Astro ${major}: with trailingSlash never a path with a slash redirects to the one without`, async (t) => {
    const { url } = await startEntry(t, await astroSite(t, ownBuildWithOptions(major)));
    const get = async (path: string) => (await fetch(url + path, { redirect: 'manual' })).headers.get('location');

    t.is(await get('/users/1/?x=1'), '/users/1?x=1');
    t.is(await get('/about/?x=1'), '/about?x=1');
    t.is(await get('/users/1'), null);
  });

  test(`Astro ${major}: without a file, and if the fetch of an error page fails, the status is sent without a page`, async (t) => {
    const root = await astroSite(t, ownBuildWithOptions(major));
    const { url, said } = await startEntry(t, root);
    const get = async (path: string) => {
      const answer = await fetch(url + path);
      return [answer.status, /Astro/.test(await answer.text())];
    };
    t.deepEqual(await get('/nothing'), [404, true]);
    t.deepEqual(await get('/failing'), [500, true]);

    await unlink(join(root, 'dist/client/404.html'));
    await unlink(join(root, 'dist/client/500.html'));

    t.deepEqual(await get('/nothing'), [404, false]);
    t.deepEqual(await get('/failing'), [500, false]);
    await said(/the error page http:\/\/127\.0\.0\.1:9\/404\S* cannot be fetched: /);
  });

  test(`Astro ${major}: a build without nexthop.json ends with an error`, async (t) => {
    const root = await astroSite(t, { major, adapter: 'nexthop/astro', options: { mode: 'standalone' } });
    await unlink(join(root, 'dist/server/nexthop.json'));

    const running = await runEntry(t, root);

    t.is(await running.exited, 1);
    t.regex(running.output(), /nexthop\.json is neither in .*dist\/server\S* nor above it.*run astro build again/);
  });

  test(`Astro ${major}: with bundle and precompress off a build has no packages and no compressed files`, async (t) => {
    const root = await astroSite(t, ownBuildWithoutExtras(major));
    const { url } = await startEntry(t, root);

    const answer = await fetch(`${url}/large.txt`, { headers: { 'accept-encoding': 'br' } });

    t.is(answer.headers.get('content-encoding'), null);
    t.is((await fetch(`${url}/users/1`)).status, 200);
    const elsewhere = await runEntry(t, await moved(t, root));
    await t.throwsAsync(elsewhere.said(/listens/), { message: /Cannot find package/ });
  });
}
