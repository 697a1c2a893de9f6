import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { importPagesOnce } from '../../../src/dialects/astro/hosted/page-calls.ts';
import { astroSite } from '../../helpers/astro-site.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

for (const major of ['5.0', '6.0', 5, 7] as const) {
  for (const adapter of ['@astrojs/node', 'nexthop/astro'] as const) {
    test(`every page of a build of Astro ${major} with ${adapter} is imported once`, async (t) => {
      const server = join(await astroSite(t, { major, adapter, options: { mode: 'standalone' } }), 'dist/server');
      const names = (await readdir(server, { recursive: true })).filter((name) => name.endsWith('.mjs'));
      const text = (await Promise.all(names.map((name) => readFile(join(server, name), 'utf8')))).join('\n');

      const imports = text.match(/^(?:var|const) _page\d+ = \(\) => import\(/gm)?.length ?? 0;
      const kept = importPagesOnce(text).match(/^(?:var|const) _page\d+ = \(\(load, loaded\)/gm)?.length ?? 0;

      t.true(imports > 3);
      t.is(kept, imports);
    });
  }
}

test('a page that could not be imported is imported again', async (t) => {
  const site = await siteFolder(t, {
    'entry.mjs': importPagesOnce(
      "const _page1 = () => import('./page.mjs').then((n) => n.t);\nexport { _page1 as page };\n",
    ),
  });
  const { page } = await import(pathToFileURL(join(site, 'entry.mjs')).href);

  await t.throwsAsync(page(), { code: 'ERR_MODULE_NOT_FOUND' });
  await writeFile(join(site, 'page.mjs'), 'export const t = { name: "page" };');

  t.deepEqual(await page(), { name: 'page' });
  t.is(page(), page());
});
