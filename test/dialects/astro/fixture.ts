import { access } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { astroSite } from '../../helpers/astro-site.ts';

for (const major of [5, 7] as const) {
  test(`the fixture builds with Astro ${major} and @astrojs/node`, async (t) => {
    const root = await astroSite(t, { major });

    await access(join(root, 'dist/server/entry.mjs'));
    await access(join(root, 'dist/client/about/index.html'));
    t.pass();
  });
}
